//! Keys and values of media for every gated block: an argument of passes, so that they are computed
//! once for all the tokens that look at them.

use std::sync::Arc;

use flamingo_kernels::{Device, KeysValues, Tensor, compact};

/// Keys and values of one medium's latents in every gated block. Cloning one copies nothing.
#[derive(Debug, Clone)]
pub struct Medium {
    blocks: Arc<Vec<KeysValues>>,
}

impl Medium {
    /// What they take in memory, in bytes.
    pub fn bytes(&self) -> usize {
        let of = |x: &Tensor<2>| x.dims().iter().product::<usize>() * x.dtype().size();
        let block = |block: &KeysValues| of(&block.keys) + of(&block.values);
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
            let block = |(keys, values): &(Tensor<3>, Tensor<3>)| KeysValues {
                keys: cut(keys),
                values: cut(values),
            };
            Medium {
                blocks: Arc::new(blocks.iter().map(block).collect()),
            }
        };
        (0..self.len()).map(medium).collect()
    }

    /// Keys and values of all media in one block, twice `[M, R, H * Dh]`.
    pub(crate) fn joint(&self, block: usize) -> (Tensor<3>, Tensor<3>) {
        match self {
            Media::Joint(blocks) => blocks[block].clone(),
            Media::Each(media) => {
                let join = |of: fn(&KeysValues) -> &Tensor<2>| {
                    let all = media.iter().map(|medium| of(medium.block(block)).clone());
                    Tensor::stack::<3>(all.collect(), 0)
                };
                (join(|block| &block.keys), join(|block| &block.values))
            }
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
