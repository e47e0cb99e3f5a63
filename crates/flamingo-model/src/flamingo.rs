//! The visual language model: frozen encoder, resampler, and gated blocks in a frozen language
//! model (paper, 2).
//!
//! Where we differ: the paper does not say how latents of the resampler's width meet text of
//! another; its parameter counts fit one linear map from the one to the other before the blocks
//! ([`Flamingo::media_projection`]).

use flamingo_kernels::{Init, Linear, Module, Tensor};

use crate::language::{LanguageModel, TextCache, TextInput};
use crate::vision::VisionEncoder;
use crate::{ConfigError, FlamingoConfig, GatedCrossAttention, Looking, PerceiverResampler};

/// A Flamingo.
#[derive(Module, Debug)]
pub struct Flamingo {
    /// Frozen.
    pub vision: VisionEncoder,
    /// Trained.
    pub resampler: PerceiverResampler,
    /// Latents to the text's width, where they are of another; trained.
    pub media_projection: Option<Linear>,
    /// Trained; one before each layer that [`crate::GatedConfig::stands_before`] names, in order.
    pub gated: Vec<GatedCrossAttention>,
    /// Frozen.
    pub language: LanguageModel,
    #[module(skip)]
    config: FlamingoConfig,
}

/// Keys and values of a batch's media for every gated block: an argument of passes, so that they
/// are computed once for all the tokens that look at them.
#[derive(Debug, Clone)]
pub struct Media {
    blocks: Vec<(Tensor<4>, Tensor<4>)>,
    count: usize,
}

impl Media {
    /// No media at all.
    pub fn none() -> Self {
        Self {
            blocks: Vec::new(),
            count: 0,
        }
    }

    /// How many media there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Keys of block `block`, `[M, H, R, Dh]`.
    pub fn keys(&self, block: usize) -> Option<Tensor<4>> {
        self.blocks.get(block).map(|(k, _)| k.clone())
    }
}

impl FlamingoConfig {
    /// Parameters of the map from the resampler's width to the text's.
    pub(crate) fn media_projection_parameters(&self) -> u64 {
        let (from, to) = (self.resampler.width, self.language.width);
        if from == to { 0 } else { (from * to) as u64 }
    }
}

impl Flamingo {
    /// A model with closed gates.
    ///
    /// # Errors
    /// If the configuration contradicts itself.
    pub fn new(config: &FlamingoConfig, init: &mut Init) -> Result<Self, ConfigError> {
        config.check()?;
        let d = config.language.width;
        let from = config.resampler.width;
        let block = |init: &mut Init| GatedCrossAttention::new(&config.gated, d, d, init);
        Ok(Self {
            vision: VisionEncoder::new(&config.vision, init),
            resampler: PerceiverResampler::new(&config.resampler, config.vision.width(), init),
            media_projection: (from != d).then(|| Linear::new(from, d, false, init)),
            gated: (0..config.gated_blocks()).map(|_| block(init)).collect(),
            language: LanguageModel::new(&config.language, init),
            config: config.clone(),
        })
    }

    /// The configuration that the model was built from.
    pub fn config(&self) -> &FlamingoConfig {
        &self.config
    }

    /// Features of pictures: the frozen encoder's last spatial output.
    ///
    /// # Shapes
    /// - `pixels`: `[F, 3, h, w]`
    /// - output: `[F, S, Dv]`
    pub fn encode(&self, pixels: Tensor<4>) -> Tensor<3> {
        self.vision.forward(pixels)
    }

    /// Latents of media that all have the same number of frames, in the text's width.
    ///
    /// # Shapes
    /// - `features`: `[M, T, S, Dv]`
    /// - output: `[M, R, D]`
    pub fn resample(&self, features: Tensor<4>) -> Tensor<3> {
        let latents = self.resampler.forward(features);
        match &self.media_projection {
            Some(projection) => projection.forward(latents),
            None => latents,
        }
    }

    /// Keys and values of latents in every gated block.
    ///
    /// # Shapes
    /// - `latents`: `[M, R, D]`
    pub fn media(&self, latents: Tensor<3>) -> Media {
        let count = latents.dims()[0];
        let blocks = self
            .gated
            .iter()
            .map(|block| block.keys_values(latents.clone()))
            .collect();
        Media { blocks, count }
    }

    /// The stream after the last layer and the final norm; `looking` says which token sees what of
    /// `media`, `cache` as for [`LanguageModel::hidden`].
    ///
    /// # Shapes
    /// - output: `[B, L, D]`
    pub fn hidden(
        &self,
        input: &TextInput,
        media: &Media,
        looking: &Looking,
        cache: Option<&mut TextCache>,
    ) -> Tensor<3> {
        self.hidden_with(input, media, looking, cache, &mut |_, _| {})
    }

    /// As [`Flamingo::hidden`], and shows `watch` the stream before each gated block, by block.
    pub fn hidden_with(
        &self,
        input: &TextInput,
        media: &Media,
        looking: &Looking,
        cache: Option<&mut TextCache>,
        watch: &mut dyn FnMut(usize, &Tensor<3>),
    ) -> Tensor<3> {
        let mut block = 0;
        let mut before = |layer: usize, y: Tensor<3>| {
            if !self.config.gated.stands_before(layer) {
                return y;
            }
            watch(block, &y);
            let y = self.gated[block].forward(y, media.blocks.get(block), looking);
            block += 1;
            y
        };
        self.language
            .hidden(self.language.embed(input), input, cache, &mut before)
    }

    /// Scores of the vocabulary, for the rows of a stream that someone reads.
    ///
    /// # Shapes
    /// - `hidden`: `[n, D]`
    /// - output: `[n, V]`
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        self.language.logits(hidden)
    }
}

#[cfg(test)]
mod tests;
