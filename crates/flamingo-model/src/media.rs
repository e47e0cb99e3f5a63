//! Keys and values of media for every gated block: an argument of passes, so that they are computed
//! once for all the tokens that look at them.

use std::sync::Arc;

use flamingo_kernels::{Device, KeysValues, MASKED, Tensor, compact, floats};

/// Keys and values of one medium's latents in every gated block. Cloning one copies nothing.
#[derive(Debug, Clone)]
pub struct Medium {
    blocks: Arc<Vec<KeysValues>>,
}

impl Medium {
    /// What they take in memory, in bytes.
    pub fn bytes(&self) -> usize {
        let of = |x: &Tensor<2>| x.dims().iter().product::<usize>() * x.dtype().size();
        let block = |block: &KeysValues| of(block.keys()) + of(block.values());
        self.blocks.iter().map(block).sum()
    }

    /// Keys and values in block `block`, `[R, H * Dh]`.
    pub fn block(&self, block: usize) -> &KeysValues {
        &self.blocks[block]
    }
}

/// Media of a pass.
#[derive(Debug, Clone)]
pub enum Media {
    /// Computed together and kept together, for training: keys and values of each block, twice
    /// `[M, R, H * Dh]`.
    Joint(Vec<(Tensor<3>, Tensor<3>)>),
    /// Each on its own, so that it can be kept for other passes.
    Each(Vec<Medium>),
}

/// Keys and values of all media of a pass in one block.
pub(crate) struct JointMedia {
    /// `[M, R, H * Dh]`.
    pub(crate) keys: Tensor<3>,
    /// `[M, R, H * Dh]`.
    pub(crate) values: Tensor<3>,
    /// [`MASKED`] where a medium has fewer latents, else 0, `[M, R]`; none if all have as many.
    pub(crate) filling: Option<Tensor<2>>,
}

impl Media {
    /// No media at all.
    pub fn none() -> Self {
        Media::Each(Vec::new())
    }

    /// How many media there are.
    pub fn len(&self) -> usize {
        match self {
            Media::Joint(blocks) => blocks.first().map_or(0, |(keys, _)| keys.dims()[0]),
            Media::Each(media) => media.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The media one by one, each in memory of its own.
    pub fn each(&self) -> Vec<Medium> {
        let blocks = match self {
            Media::Joint(blocks) => blocks,
            Media::Each(media) => return media.clone(),
        };
        let medium = |i: usize| {
            let cut = |x: &Tensor<3>| compact(x.clone().narrow(0, i, 1).squeeze_dim::<2>(0));
            let block =
                |(keys, values): &(Tensor<3>, Tensor<3>)| KeysValues::new(cut(keys), cut(values));
            Medium {
                blocks: Arc::new(blocks.iter().map(block).collect()),
            }
        };
        (0..self.len()).map(medium).collect()
    }

    /// Keys and values of all media in one block; of media of different lengths the shorter ones are
    /// filled up.
    pub(crate) fn joint(&self, block: usize) -> JointMedia {
        let media = match self {
            Media::Joint(blocks) => {
                let (keys, values) = blocks[block].clone();
                return JointMedia {
                    keys,
                    values,
                    filling: None,
                };
            }
            Media::Each(media) => media,
        };
        let lengths: Vec<usize> = media.iter().map(|m| m.block(block).len()).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let join = |of: fn(&KeysValues) -> &Tensor<2>| {
            let all = media.iter().map(|medium| {
                let own = of(medium.block(block)).clone();
                let [length, width] = own.dims();
                match longest - length {
                    0 => own,
                    more => {
                        let zeros = Tensor::zeros([more, width], (&own.device(), own.dtype()));
                        Tensor::cat(vec![own, zeros], 0)
                    }
                }
            });
            Tensor::stack::<3>(all.collect(), 0)
        };
        let (keys, values) = (join(KeysValues::keys), join(KeysValues::values));
        let ragged = lengths.iter().any(|length| *length < longest);
        let filling = ragged.then(|| {
            let hidden = |length: &usize| {
                let length = *length;
                (0..longest).map(move |r| if r < length { 0.0 } else { MASKED })
            };
            let bias = lengths.iter().flat_map(hidden).collect();
            floats(bias, [media.len(), longest], &keys.device())
        });
        JointMedia {
            keys,
            values,
            filling,
        }
    }

    /// The media one by one where tokens on `device` meet them so.
    pub(crate) fn for_passes(self, device: &Device) -> Self {
        match crate::looking::in_runs(device) {
            true => Media::Each(self.each()),
            false => self,
        }
    }
}
