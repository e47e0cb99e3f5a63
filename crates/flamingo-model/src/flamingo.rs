//! The visual language model: frozen encoder, resampler, and gated blocks in a frozen language
//! model (paper, 2).
//!
//! Where we differ: the paper does not say how latents of the resampler's width meet text of
//! another; its parameter counts fit one linear map from the one to the other before the blocks
//! ([`Flamingo::media_projection`]). Of its ablation GRAFTING it says that self-attention and
//! cross-attention layers in turn take the language model's output: ours are layers like those of the
//! language model, each with a block behind it, on the stream before the frozen final norm and head.

use flamingo_kernels::{Init, Linear, Module, Predicted, Tensor};

use crate::language::{Attend, LanguageModel, Layer, Point, TextInput, TextRow};
use crate::vision::{Tiling, VisionEncoder};
use crate::{
    ConfigError, FlamingoConfig, GatedCrossAttention, Looking, Media, PerceiverResampler, Placement,
};

/// A Flamingo.
#[derive(Module, Debug)]
pub struct Flamingo {
    /// Frozen.
    pub vision: VisionEncoder,
    /// Trained.
    pub resampler: Option<PerceiverResampler>,
    /// Latents to the text's width, where they are of another; trained.
    pub media_projection: Option<Linear>,
    /// Trained; as many at each point as [`crate::GatedConfig::blocks_at`] says, in order.
    pub gated: Vec<GatedCrossAttention>,
    /// Frozen.
    pub language: LanguageModel,
    #[module(skip)]
    config: FlamingoConfig,
}

/// What [`Flamingo::hidden_with`] shows, each `[B, L, D]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// The stream before layer n and before any block there; behind the last layer for n layers.
    Stream(usize),
    /// The stream before the cross-attention of gated block n.
    BeforeBlock(usize),
    /// What the cross-attention of block n gives, before its gate; not shown if no token sees
    /// anything.
    CrossAttention(usize),
    /// The stream behind gated block n.
    BehindBlock(usize),
}

impl FlamingoConfig {
    /// Parameters of the map from the resampler's width to the text's.
    pub(crate) fn media_projection_parameters(&self) -> u64 {
        let (from, to) = (self.latent_width(), self.media_width());
        let bias = if self.media_projection_bias { to } else { 0 };
        match self.projects_media() {
            true => (from * to + bias) as u64,
            false => 0,
        }
    }
}

impl Flamingo {
    /// A model with closed gates, if it has any. Then it is the language model, unless it has layers of
    /// text on top.
    ///
    /// # Errors
    /// If the configuration contradicts itself.
    pub fn new(config: &FlamingoConfig, init: &mut Init) -> Result<Self, ConfigError> {
        config.check()?;
        let (d, from, to) = (
            config.language.width,
            config.latent_width(),
            config.media_width(),
        );
        let stacked = config.gated.placement == Placement::OnTop;
        let block = |init: &mut Init| {
            let mut block = GatedCrossAttention::new(&config.gated, d, to, init);
            block.text_layer = stacked.then(|| Layer::new(&config.language, init));
            block
        };
        let features = config.vision.width();
        Ok(Self {
            vision: VisionEncoder::new(&config.vision, init),
            resampler: config
                .resampler
                .as_ref()
                .map(|resampler| PerceiverResampler::new(resampler, features, init)),
            media_projection: config
                .projects_media()
                .then(|| Linear::new(from, to, config.media_projection_bias, init)),
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

    /// Features of the tiles of one picture that has several, which stand as `tiling` says.
    ///
    /// # Shapes
    /// - `pixels`: `[F, 3, h, w]`, row by row
    /// - output: `[F, S, Dv]`
    ///
    /// # Panics
    /// If there are more tiles than one and the encoder knows none, or they are not as many as `tiling`
    /// says.
    pub fn encode_tiles(&self, pixels: Tensor<4>, tiling: Tiling) -> Tensor<3> {
        self.vision.forward_tiles(pixels, tiling)
    }

    /// Latents of media that all have the same number of frames or tiles, as the gated blocks read them.
    /// `places` are those of the media in their documents
    /// ([`PerceiverResampler::forward`]); most models do not look at them.
    ///
    /// # Shapes
    /// - `features`: `[M, T, S, Dv]`
    /// - output: `[M, R, media width]`
    pub fn resample(&self, features: Tensor<4>, places: &[usize]) -> Tensor<3> {
        let latents = match &self.resampler {
            Some(resampler) => resampler.forward(features, places),
            None => features.flatten(1, 2),
        };
        match &self.media_projection {
            Some(projection) => projection.forward(latents),
            None => latents,
        }
    }

    /// Keys and values of latents in every gated block.
    ///
    /// # Shapes
    /// - `latents`: `[M, R, media width]`
    pub fn media(&self, latents: Tensor<3>) -> Media {
        let device = latents.device();
        let blocks = self
            .gated
            .iter()
            .map(|block| block.keys_values(latents.clone()))
            .collect();
        Media::Joint(blocks).for_passes(&device)
    }

    /// The stream after the last layer and the final norm, of whole texts; `looking` says which token
    /// sees what of `media`.
    ///
    /// # Shapes
    /// - output: `[B, L, D]`
    pub fn hidden(&self, input: &TextInput, media: &Media, looking: &Looking) -> Tensor<3> {
        self.hidden_with(input, media, looking, &mut |_, _| {})
    }

    /// As [`Flamingo::hidden`], and shows `watch` what passes.
    pub fn hidden_with(
        &self,
        input: &TextInput,
        media: &Media,
        looking: &Looking,
        watch: &mut dyn FnMut(Passing, &Tensor<3>),
    ) -> Tensor<3> {
        let embedded = self.language.embed(input);
        let mut passage = self.passage(media, looking, watch);
        self.language
            .hidden(embedded, input, &mut |point, y, attend| {
                passage.visit(point, y, attend)
            })
    }

    /// As [`Flamingo::hidden`] of tokens that follow texts already read, and adds them to the texts'
    /// caches; `looking` is of the tokens of all rows, side by side.
    ///
    /// # Shapes
    /// - output: `[L, D]`, `L` the tokens of all rows
    pub fn read(&self, rows: &mut [TextRow<'_>], media: &Media, looking: &Looking) -> Tensor<2> {
        self.read_with(rows, media, looking, &mut |_, _| {})
    }

    /// As [`Flamingo::read`]; `watch` is shown the stream, `[1, L, D]`, at the moments of a pass.
    pub fn read_with(
        &self,
        rows: &mut [TextRow<'_>],
        media: &Media,
        looking: &Looking,
        watch: &mut dyn FnMut(Passing, &Tensor<3>),
    ) -> Tensor<2> {
        let mut passage = self.passage(media, looking, watch);
        let hidden = self.language.read(rows, &mut |point, y, attend| {
            passage.visit(point, y, attend)
        });
        hidden.squeeze_dim::<2>(0)
    }

    fn passage<'a>(
        &'a self,
        media: &'a Media,
        looking: &'a Looking,
        watch: &'a mut dyn FnMut(Passing, &Tensor<3>),
    ) -> Passage<'a> {
        Passage {
            model: self,
            media,
            looking,
            watch,
            next: 0,
        }
    }

    /// Cross-entropy of the tokens that follow rows of a stream ([`LanguageModel::loss`]).
    ///
    /// # Shapes
    /// - `hidden`: `[n, D]`, `n > 0`
    pub fn loss(&self, hidden: Tensor<2>, targets: &[usize]) -> Predicted {
        self.language.loss(hidden, targets)
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

/// The way of a pass through the blocks.
struct Passage<'a> {
    model: &'a Flamingo,
    media: &'a Media,
    looking: &'a Looking,
    watch: &'a mut dyn FnMut(Passing, &Tensor<3>),
    /// The number of the next block.
    next: usize,
}

impl Passage<'_> {
    /// The stream behind the blocks that stand at a point of the language model.
    fn visit(&mut self, point: Point, y: Tensor<3>, attend: &mut Attend<'_>) -> Tensor<3> {
        if let Point::Before(layer) = point {
            (self.watch)(Passing::Stream(layer), &y);
        }
        let model = self.model;
        let blocks = model
            .config
            .gated
            .blocks_at(point, model.language.layers.len());
        (0..blocks).fold(y, |y, _| self.block(y, attend))
    }

    /// The stream behind the next block.
    fn block(&mut self, y: Tensor<3>, attend: &mut Attend<'_>) -> Tensor<3> {
        let (number, gated) = (self.next, &self.model.gated[self.next]);
        self.next += 1;
        let y = match &gated.text_layer {
            Some(layer) => layer.forward(y, attend, &mut |y, _| y),
            None => y,
        };
        (self.watch)(Passing::BeforeBlock(number), &y);
        let looked = gated.cross_attention(y.clone(), self.media, number, self.looking);
        if let Some(looked) = &looked {
            (self.watch)(Passing::CrossAttention(number), looked);
        }
        let y = gated.add(y, looked, self.looking);
        (self.watch)(Passing::BehindBlock(number), &y);
        y
    }
}

#[cfg(test)]
mod tests;
