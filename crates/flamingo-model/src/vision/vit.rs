//! Vision transformer as in CLIP (Radford et al., 2021): patches, a class token, learnt positions.
//!
//! Parameters are named as open_clip's `visual.*`. open_clip gave out tokens from before `ln_post`
//! until version 2.22 and from behind it since 2.23; OpenFlamingo's weights were trained with the
//! former: [`VitConfig::tokens`] says which.

use flamingo_kernels::{Activation, Conv2d, Init, Module, Norm, NormKind, Param, Tensor};
use serde::{Deserialize, Serialize};

use super::encoded::Encoded;
use super::tiles::{Tiles, TilesConfig, Tiling};
use super::transformer::Seeing;
use super::{NormPlace, Transformer, TransformerConfig};
use crate::sizes::check_sizes;

/// Where the features of positions are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VitTokens {
    /// Before the last normalisation.
    BeforeNorm,
    /// Behind it.
    AfterNorm,
}

/// What the one vector of a whole picture is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VitPool {
    /// The class token behind the last normalisation; without one, the mean of all tokens there.
    #[default]
    ClassToken,
    /// The mean of all tokens, normalised (open_clip's `global_average_pool`).
    Mean,
}

/// A vision transformer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VitConfig {
    /// Height and width of a picture, in pixels.
    pub image_size: usize,
    /// Height and width of a patch, in pixels.
    pub patch: usize,
    /// Width of the stream, `Dv`.
    pub width: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads of a layer.
    pub heads: usize,
    /// Hidden width of the feed-forward, as a multiple of `width`.
    pub ffw_multiple: usize,
    /// Activation of the feed-forward.
    pub activation: Activation,
    /// A learnt token before the patches, which the pooled vector is made of.
    pub class_token: bool,
    /// A normalisation before the first layer.
    pub pre_norm: bool,
    /// Where the features of positions are taken.
    pub tokens: VitTokens,
    /// Width that the pooled vector is projected to; none for no projection.
    pub projection: Option<usize>,
    /// Hidden width of the feed-forward where it is no multiple of `width`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ffw_width: Option<usize>,
    /// Added to the variance of the normalisations.
    #[serde(default = "norm_epsilon")]
    pub norm_epsilon: f64,
    /// Learnt factors of each channel that a layer adds.
    #[serde(default)]
    pub layer_scale: bool,
    /// Whether the class token is the first of the features (IDEFICS) or none of them.
    #[serde(default)]
    pub class_token_in_features: bool,
    /// What the pooled vector is made of.
    #[serde(default)]
    pub pool: VitPool,
    /// Biases in the attention's linears.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub attention_bias: bool,
    /// Several tiles of a picture at once; none where a picture is one square.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiles: Option<TilesConfig>,
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

fn norm_epsilon() -> f64 {
    1e-5
}

impl VitConfig {
    /// OpenAI's CLIP ViT-B/32.
    pub fn vit_b_32() -> Self {
        Self {
            patch: 32,
            width: 768,
            layers: 12,
            heads: 12,
            projection: Some(512),
            ..Self::vit_l_14()
        }
    }

    /// OpenAI's CLIP ViT-L/14, with the tokens that OpenFlamingo was trained on.
    pub fn vit_l_14() -> Self {
        Self {
            image_size: 224,
            patch: 14,
            width: 1024,
            layers: 24,
            heads: 16,
            ffw_multiple: 4,
            activation: Activation::QuickGelu,
            class_token: true,
            pre_norm: true,
            tokens: VitTokens::BeforeNorm,
            projection: Some(768),
            ffw_width: None,
            norm_epsilon: norm_epsilon(),
            layer_scale: false,
            class_token_in_features: false,
            pool: VitPool::ClassToken,
            attention_bias: true,
            tiles: None,
        }
    }

    /// A plain one without class token and projection.
    pub fn small(
        image_size: usize,
        patch: usize,
        width: usize,
        layers: usize,
        heads: usize,
    ) -> Self {
        Self {
            image_size,
            patch,
            width,
            layers,
            heads,
            activation: Activation::Gelu,
            class_token: false,
            pre_norm: false,
            tokens: VitTokens::AfterNorm,
            projection: None,
            ..Self::vit_l_14()
        }
    }

    pub(super) fn grid(&self) -> usize {
        self.image_size / self.patch
    }

    /// Features of a picture, `S`.
    pub(super) fn positions(&self) -> usize {
        self.grid() * self.grid() + usize::from(self.class_token && self.class_token_in_features)
    }

    /// Tokens of the stream, the class token included.
    fn stream(&self) -> usize {
        self.grid() * self.grid() + usize::from(self.class_token)
    }

    fn transformer(&self) -> TransformerConfig {
        TransformerConfig {
            width: self.width,
            layers: self.layers,
            heads: self.heads,
            ffw_width: self.ffw_width.unwrap_or(self.ffw_multiple * self.width),
            activation: self.activation,
            norm_epsilon: self.norm_epsilon,
            layer_scale: self.layer_scale,
            attention_bias: self.attention_bias,
            gates: false,
            norm: NormPlace::First,
        }
    }

    /// The transformer over all tiles.
    fn global(&self, tiles: &TilesConfig) -> TransformerConfig {
        TransformerConfig {
            layers: tiles.global_layers,
            gates: true,
            ..self.transformer()
        }
    }

    /// Of the norms before and behind the layers: with tiles the usual one, whatever the layers have.
    fn outer_norm_epsilon(&self) -> f64 {
        match self.tiles {
            Some(_) => norm_epsilon(),
            None => self.norm_epsilon,
        }
    }

    /// Width of a position's features.
    pub(super) fn features_width(&self) -> usize {
        let layers = self.tiles.as_ref().map_or(0, |t| t.intermediate.len());
        self.width * (1 + layers)
    }

    /// Width of the pooled vector.
    pub(super) fn pooled_width(&self) -> usize {
        self.projection.unwrap_or(self.features_width())
    }

    pub(super) fn parameters(&self) -> u64 {
        let d = self.width;
        let patches = 3 * self.patch * self.patch * d;
        let tables = (self.stream() + usize::from(self.class_token)) * d;
        let norms = 2 * d * (1 + usize::from(self.pre_norm));
        let projection = d * self.projection.unwrap_or(0);
        let tiles = self.tiles.as_ref().map_or(0, |tiles| {
            tiles.parameters(self.stream(), d) as u64 + self.global(tiles).parameters()
        });
        (patches + tables + norms + projection) as u64 + self.transformer().parameters() + tiles
    }

    pub(super) fn flops_per_image(&self) -> u64 {
        let patches = self.grid() * self.grid() * 3 * self.patch * self.patch * self.width;
        let layers = match &self.tiles {
            None => self.transformer().flops(self.stream()),
            Some(tiles) => {
                let (tokens, pairs) = tiles.tokens_and_pairs(self.stream());
                let of = |config: TransformerConfig| config.flops_of_pairs(tokens, pairs);
                of(self.transformer()) + of(self.global(tiles))
            }
        };
        2 * patches as u64 + layers
    }

    /// Numbers that a training keeps of one picture for its backward pass.
    pub(super) fn kept_per_image(&self) -> u64 {
        let config = self.transformer();
        let outside = (3 + usize::from(self.pre_norm)) * self.width + 3 * self.patch * self.patch;
        (self.stream() * (config.kept_per_token() + outside)) as u64
    }

    /// Numbers in memory for one picture at the widest place: the stream, its norm, and a hidden layer with its product.
    pub(super) fn work_per_image(&self) -> u64 {
        let config = self.transformer();
        (self.stream() * (3 * config.width + config.ffw_width)) as u64
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.patch == 0 || !self.image_size.is_multiple_of(self.patch) || self.image_size == 0 {
            return Err(format!(
                "vision.image_size {} is not a multiple of vision.patch {}",
                self.image_size, self.patch
            ));
        }
        let optional = [
            ("ffw_width", self.ffw_width),
            ("projection", self.projection),
        ];
        for (name, size) in optional {
            check_sizes("vision", &[(name, size.unwrap_or(1))])?;
        }
        if let Some(tiles) = &self.tiles {
            tiles.check(self.layers)?;
            if !(self.class_token && self.class_token_in_features && self.pre_norm)
                || self.projection.is_some()
            {
                return Err(
                    "vision.tiles needs class_token, class_token_in_features and pre_norm, and has no projection"
                        .into(),
                );
            }
        }
        self.transformer().check("vision")
    }
}

/// The encoder.
#[derive(Module, Debug)]
pub struct Vit {
    /// Patches to vectors.
    pub conv1: Conv2d,
    /// `[width]`.
    pub class_embedding: Option<Param<Tensor<1>>>,
    /// `[S (+ 1), width]`, the class token first.
    pub positional_embedding: Param<Tensor<2>>,
    /// Before the first layer.
    pub ln_pre: Option<Norm>,
    /// The layers.
    pub transformer: Transformer,
    /// After the last layer.
    pub ln_post: Norm,
    /// `[width, projection]`.
    pub proj: Option<Param<Tensor<2>>>,
    /// What it has more for pictures of several tiles.
    pub tiles: Option<Tiles>,
    #[module(skip)]
    tokens: VitTokens,
    #[module(skip)]
    class_token_in_features: bool,
    #[module(skip)]
    pool: VitPool,
}

impl Vit {
    /// An untrained encoder.
    pub fn new(config: &VitConfig, init: &mut Init) -> Self {
        let d = config.width;
        let std = (d as f64).powf(-0.5);
        let epsilon = config.outer_norm_epsilon();
        let norm = |init: &mut Init| Norm::new(NormKind::LayerNorm, d, epsilon, init);
        Self {
            conv1: Conv2d::new([3, d], [config.patch; 2], 1, false, init),
            class_embedding: config.class_token.then(|| init.normal([d], std)),
            positional_embedding: init.normal([config.stream(), d], std),
            ln_pre: config.pre_norm.then(|| norm(init)),
            transformer: Transformer::new(&config.transformer(), init),
            ln_post: norm(init),
            proj: config.projection.map(|width| init.normal([d, width], std)),
            tiles: config.tiles.as_ref().map(|tiles| {
                let global = Transformer::new(&config.global(tiles), init);
                Tiles::new(tiles, [config.stream(), d], global, init)
            }),
            tokens: config.tokens,
            class_token_in_features: config.class_token_in_features,
            pool: config.pool,
        }
    }

    /// # Shapes
    /// - `pixels`: `[F, 3, h, w]`
    /// - output: `[F, S, Dv]`; the class token first, where the configuration has it in them
    ///
    /// Where pictures can have several tiles, each of these has one.
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<3> {
        if self.tiles.is_some() {
            let each = |i| self.forward_tiles(pixels.clone().narrow(0, i, 1), Tiling::ONE);
            return Tensor::cat((0..pixels.dims()[0]).map(each).collect(), 0);
        }
        let features = self.features(self.stream(pixels));
        match self.tokens {
            VitTokens::BeforeNorm => features,
            VitTokens::AfterNorm => self.ln_post.forward(features),
        }
    }

    /// Features of the tiles of one picture.
    ///
    /// # Shapes
    /// - `pixels`: `[tiles, 3, h, w]`, row by row
    /// - output: `[tiles, S, Dv]`
    ///
    /// # Panics
    /// If the encoder knows no tiles, or `tiling` is not of so many.
    pub fn forward_tiles(&self, pixels: Tensor<4>, tiling: Tiling) -> Tensor<3> {
        let tiles = self.tiles.as_ref().expect("an encoder of tiles");
        let x = tiles.filled(self.conv1.rows(pixels), tiling);
        let x = tiles.placed(self.with_class(x), self.positional_embedding.val(), tiling);
        let x = match &self.ln_pre {
            Some(norm) => norm.forward(x),
            None => x,
        };
        let (mut stream, layers) = tiles.local(&self.transformer, tiles.row(x, tiling));
        stream.tokens = self.ln_post.forward(stream.tokens);
        tiles.global(stream, layers)
    }

    /// Features, and the projected vector of the whole picture.
    ///
    /// # Shapes
    /// - `pixels`: `[F, 3, h, w]`
    pub fn encode(&self, pixels: Tensor<4>) -> Encoded {
        if self.tiles.is_some() {
            let features = self.forward(pixels);
            let pooled = features.clone().narrow(1, 0, 1).squeeze_dim(1);
            return Encoded { features, pooled };
        }
        let before = self.stream(pixels);
        let after = self.ln_post.forward(before.clone());
        let whole = match (self.pool, &self.class_embedding) {
            (VitPool::Mean, _) => self.ln_post.forward(before.clone().mean_dim(1)),
            (VitPool::ClassToken, Some(_)) => after.clone().narrow(1, 0, 1),
            (VitPool::ClassToken, None) => after.clone().mean_dim(1),
        };
        let whole = whole.squeeze_dim::<2>(1); // [F, width]
        Encoded {
            features: self.features(match self.tokens {
                VitTokens::BeforeNorm => before,
                VitTokens::AfterNorm => after,
            }),
            pooled: match &self.proj {
                Some(proj) => whole.matmul(proj.val()),
                None => whole,
            },
        }
    }

    /// The stream after the last layer, `[F, S (+ 1), width]`.
    fn stream(&self, pixels: Tensor<4>) -> Tensor<3> {
        let mut x = self.with_class(self.conv1.rows(pixels)); // [F, S (+ 1), width]
        let places = self.positional_embedding.val();
        let (stream, [learnt, _]) = (x.dims()[1], places.dims());
        assert_eq!(
            stream, learnt,
            "a picture of {stream} tokens, {learnt} learnt positions"
        );
        x = x + places.unsqueeze();
        if let Some(norm) = &self.ln_pre {
            x = norm.forward(x);
        }
        self.transformer.forward(x, Seeing::All)
    }

    /// Patches behind the class token, if there is one.
    fn with_class(&self, patches: Tensor<3>) -> Tensor<3> {
        let [f, _, d] = patches.dims();
        match &self.class_embedding {
            Some(class) => {
                let class = class.val().reshape([1, 1, d]).expand([f, 1, d]);
                Tensor::cat(vec![class, patches], 1)
            }
            None => patches,
        }
    }

    fn features(&self, stream: Tensor<3>) -> Tensor<3> {
        let left_out = self.class_embedding.is_some() && !self.class_token_in_features;
        let class = usize::from(left_out);
        let [_, tokens, _] = stream.dims();
        if class == 0 {
            stream
        } else {
            stream.narrow(1, class, tokens - class)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{distance, pixels};
    use super::*;
    use flamingo_kernels::Device;

    fn clip() -> VitConfig {
        VitConfig {
            image_size: 21,
            patch: 7,
            width: 10,
            layers: 2,
            heads: 5,
            ffw_multiple: 3,
            projection: Some(13),
            ..VitConfig::vit_l_14()
        }
    }

    fn build(config: &VitConfig) -> Vit {
        Vit::new(config, &mut Init::new(1, &Device::flex()))
    }

    #[test]
    fn presets_weigh_as_much_as_open_clips() {
        assert_eq!(VitConfig::vit_b_32().parameters(), 87_849_216);
        assert_eq!(VitConfig::vit_l_14().parameters(), 303_966_208);
    }

    #[test]
    fn parameters_are_counted_as_they_are_built() {
        for config in [clip(), VitConfig::small(8, 4, 6, 1, 2)] {
            assert_eq!(config.parameters(), build(&config).num_params() as u64);
        }
    }

    #[test]
    fn features_come_without_the_class_token_and_the_pooled_vector_is_projected() {
        let encoded = build(&clip()).encode(pixels([2, 3, 21, 21], 3));
        assert_eq!(encoded.features.dims(), [2, 9, 10]);
        assert_eq!(encoded.pooled.dims(), [2, 13]);
    }

    #[test]
    fn both_passes_give_the_same_features() {
        for tokens in [VitTokens::BeforeNorm, VitTokens::AfterNorm] {
            let vit = build(&VitConfig { tokens, ..clip() });
            let x = pixels([2, 3, 21, 21], 3);
            assert!(distance(vit.forward(x.clone()), vit.encode(x).features) < 1e-6);
        }
    }

    #[test]
    fn features_after_the_norm_are_the_norm_of_those_before() {
        let x = pixels([2, 3, 21, 21], 3);
        let vit = build(&VitConfig {
            tokens: VitTokens::BeforeNorm,
            ..clip()
        });
        let before = vit.forward(x.clone());
        let after = build(&VitConfig {
            tokens: VitTokens::AfterNorm,
            ..clip()
        })
        .forward(x);
        assert!(distance(vit.ln_post.forward(before.clone()), after.clone()) < 1e-5);
        assert!(distance(before, after) > 1e-3);
    }

    #[test]
    fn the_order_of_positions_matters() {
        let mut vit = build(&clip());
        let x = pixels([1, 3, 21, 21], 3);
        let y = vit.forward(x.clone());
        let turned = vit.positional_embedding.val().flip([0]);
        vit.positional_embedding = Param::from_tensor(turned);
        assert!(distance(y, vit.forward(x)) > 1e-3);
    }

    #[test]
    fn patches_are_read_row_by_row() {
        let config = VitConfig {
            layers: 0,
            ..VitConfig::small(6, 2, 5, 0, 1)
        };
        let mut vit = build(&config);
        vit.positional_embedding = Param::from_tensor(vit.positional_embedding.val() * 0.0);
        let x = pixels([1, 3, 6, 6], 3);
        let y = vit.forward(x.clone());
        // Only the patch in row 1, column 2 changes: position 1 * 3 + 2.
        let change = Tensor::ones([1, 3, 2, 2], &x.device());
        let far = (y - vit.forward(x.slice_assign([0..1, 0..3, 2..4, 4..6], change)))
            .abs()
            .max_dim(2)
            .into_data()
            .try_to_vec::<f32>()
            .expect("f32");
        let moved: Vec<usize> = (0..9).filter(|&i| far[i] > 1e-4).collect();
        assert_eq!(moved, [5]);
    }
}
