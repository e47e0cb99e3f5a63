//! Vision encoders: pixels in, a row of features for each position of the picture out (paper, 2.1).
//!
//! Three families: the paper's [`Nfnet`], the [`Vit`] of CLIP that the open models use, and the small
//! [`EfficientNet`]. Features are flattened row by row and carry no further mark of their place.

mod efficientnet;
mod encoded;
mod nfnet;
mod tiles;
mod transformer;
mod vit;

use flamingo_kernels::{Init, Module, Tensor};
use serde::{Deserialize, Serialize};

pub use efficientnet::{
    BatchNorm, EfficientNet, EfficientNetBlock, EfficientNetConfig, EfficientNetStage, NormedConv,
    NormedLinear,
};
pub use encoded::Encoded;
pub use nfnet::{
    Nfnet, NfnetBlock, NfnetBlockKind, NfnetConfig, NfnetOutput, NfnetShortcut, NfnetStage,
    NfnetStem, NfnetVariance, ScaledStdConv, SqueezeExcite,
};
pub use tiles::{TileTable, Tiles, TilesConfig, Tiling};
pub use transformer::{
    Attention, Mlp, NormPlace, ResidualBlock, Seeing, Transformer, TransformerConfig,
};
pub use vit::{Vit, VitConfig, VitPool, VitTokens};

/// A vision encoder's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisionConfig {
    /// A normaliser-free convolutional network.
    Nfnet(NfnetConfig),
    /// A vision transformer.
    Vit(VitConfig),
    /// A small convolutional network of depthwise convolutions.
    EfficientNet(EfficientNetConfig),
}

impl VisionConfig {
    /// Width of a position's features, `Dv`.
    pub fn width(&self) -> usize {
        match self {
            VisionConfig::Nfnet(config) => config.width(),
            VisionConfig::Vit(config) => config.features_width(),
            VisionConfig::EfficientNet(config) => config.final_width,
        }
    }

    /// Width of [`VisionEncoder::pooled`].
    pub fn pooled_width(&self) -> usize {
        match self {
            VisionConfig::Nfnet(config) => config.width(),
            VisionConfig::Vit(config) => config.pooled_width(),
            VisionConfig::EfficientNet(config) => config.final_width,
        }
    }

    /// Height and width of a picture, in pixels.
    pub fn image_size(&self) -> usize {
        match self {
            VisionConfig::Nfnet(config) => config.image_size,
            VisionConfig::Vit(config) => config.image_size,
            VisionConfig::EfficientNet(config) => config.image_size,
        }
    }

    /// Height and width of the grid of features.
    pub fn grid(&self) -> usize {
        match self {
            VisionConfig::Nfnet(config) => config.grid(),
            VisionConfig::Vit(config) => config.grid(),
            VisionConfig::EfficientNet(config) => config.grid(),
        }
    }

    /// Features of a frame or tile, `S`: a row for each position of the grid, and the class token's where
    /// it is among them.
    pub fn positions(&self) -> usize {
        match self {
            VisionConfig::Nfnet(config) => config.grid() * config.grid(),
            VisionConfig::Vit(config) => config.positions(),
            VisionConfig::EfficientNet(config) => config.grid() * config.grid(),
        }
    }

    /// Whether pictures can have several tiles.
    pub fn has_tiles(&self) -> bool {
        matches!(self, VisionConfig::Vit(config) if config.tiles.is_some())
    }

    /// Most tiles of a picture; 1 where a picture is one square.
    pub fn most_tiles(&self) -> usize {
        match self {
            VisionConfig::Vit(config) => config.tiles.as_ref().map_or(1, |tiles| tiles.most),
            VisionConfig::Nfnet(_) | VisionConfig::EfficientNet(_) => 1,
        }
    }

    /// Parameters.
    pub fn parameters(&self) -> u64 {
        match self {
            VisionConfig::Nfnet(config) => config.parameters(),
            VisionConfig::Vit(config) => config.parameters(),
            VisionConfig::EfficientNet(config) => config.parameters(),
        }
    }

    /// Operations (2 a multiply-add) of convolutions and matrix products for one picture.
    pub fn flops_per_image(&self) -> u64 {
        match self {
            VisionConfig::Nfnet(config) => config.flops_per_image(),
            VisionConfig::Vit(config) => config.flops_per_image(),
            VisionConfig::EfficientNet(config) => config.flops_per_image(),
        }
    }

    /// Numbers that a training of the encoder keeps of one picture for its backward pass; none where they are not counted.
    pub(crate) fn kept_per_image(&self) -> Option<u64> {
        match self {
            VisionConfig::Nfnet(config) => Some(config.kept_per_image()),
            VisionConfig::Vit(config) => Some(config.kept_per_image()),
            VisionConfig::EfficientNet(_) => None,
        }
    }

    /// Numbers in memory for one picture on its way through the encoder, where nothing is kept: at its widest place.
    pub(crate) fn work_per_image(&self) -> u64 {
        match self {
            VisionConfig::Nfnet(config) => config.work_per_image(),
            VisionConfig::Vit(config) => config.work_per_image(),
            VisionConfig::EfficientNet(config) => config.work_per_image(),
        }
    }

    /// The same encoder for pictures of another size.
    ///
    /// # Errors
    /// If it has learnt positions, which are of its own size, or the size is impossible; said in words.
    pub fn with_image_size(&self, size: usize) -> Result<Self, String> {
        let mut config = self.clone();
        match &mut config {
            VisionConfig::Nfnet(config) => config.image_size = size,
            VisionConfig::EfficientNet(config) => config.image_size = size,
            VisionConfig::Vit(config) if config.image_size != size => {
                return Err(format!(
                    "the encoder has learnt positions for pictures of {} pixels, not {size}: only convolutional ones \
                     take other sizes",
                    config.image_size
                ));
            }
            VisionConfig::Vit(_) => {}
        }
        config.check()?;
        Ok(config)
    }

    /// What is impossible about the configuration, said with both values.
    pub fn check(&self) -> Result<(), String> {
        match self {
            VisionConfig::Nfnet(config) => config.check(),
            VisionConfig::Vit(config) => config.check(),
            VisionConfig::EfficientNet(config) => config.check(),
        }
    }
}

/// A vision encoder; exactly one of its fields is there.
#[derive(Module, Debug)]
pub struct VisionEncoder {
    /// The convolutional network.
    pub nfnet: Option<Nfnet>,
    /// The transformer.
    pub vit: Option<Vit>,
    /// The small convolutional network.
    pub efficientnet: Option<EfficientNet>,
}

impl VisionEncoder {
    /// An untrained encoder.
    pub fn new(config: &VisionConfig, init: &mut Init) -> Self {
        let none = Self {
            nfnet: None,
            vit: None,
            efficientnet: None,
        };
        match config {
            VisionConfig::Nfnet(config) => Self {
                nfnet: Some(Nfnet::new(config, init)),
                ..none
            },
            VisionConfig::Vit(config) => Self {
                vit: Some(Vit::new(config, init)),
                ..none
            },
            VisionConfig::EfficientNet(config) => Self {
                efficientnet: Some(EfficientNet::new(config, init)),
                ..none
            },
        }
    }

    /// # Shapes
    /// - `pixels`: `[F, 3, h, w]`
    /// - output: `[F, S, Dv]`
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<3> {
        match (&self.nfnet, &self.vit, &self.efficientnet) {
            (Some(nfnet), ..) => nfnet.forward(pixels),
            (_, Some(vit), _) => vit.forward(pixels),
            (.., Some(efficientnet)) => efficientnet.forward(pixels),
            (None, None, None) => unreachable!("an encoder has one of its fields"),
        }
    }

    /// As [`VisionEncoder::forward`] of the tiles of one picture, which stand as `tiling` says.
    ///
    /// # Shapes
    /// - `pixels`: `[F, 3, h, w]`, row by row
    /// - output: `[F, S, Dv]`
    ///
    /// # Panics
    /// If there are several tiles and the encoder knows none.
    pub fn forward_tiles(&self, pixels: Tensor<4>, tiling: Tiling) -> Tensor<3> {
        match &self.vit {
            Some(vit) if vit.tiles.is_some() => vit.forward_tiles(pixels, tiling),
            _ => {
                assert_eq!(tiling, Tiling::ONE, "tiles for an encoder that knows none");
                self.forward(pixels)
            }
        }
    }

    /// One vector for each picture: the mean over positions, or CLIP's projected class token.
    ///
    /// # Shapes
    /// - `pixels`: `[F, 3, h, w]`
    /// - output: `[F, pooled width]`
    pub fn pooled(&self, pixels: Tensor<4>) -> Tensor<2> {
        self.encode(pixels).pooled
    }

    /// Features and pooled vectors by one pass.
    ///
    /// # Shapes
    /// - `pixels`: `[F, 3, h, w]`
    pub fn encode(&self, pixels: Tensor<4>) -> Encoded {
        match &self.vit {
            Some(vit) => vit.encode(pixels),
            None => {
                let features = self.forward(pixels);
                let pooled = features.clone().mean_dim(1).squeeze_dim(1);
                Encoded { features, pooled }
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use flamingo_kernels::{Device, Init, Tensor};

    /// Pictures of noise.
    pub(crate) fn pixels(shape: [usize; 4], seed: u64) -> Tensor<4> {
        Init::new(seed, &Device::flex()).normal(shape, 1.0).val()
    }

    /// The largest difference.
    pub(crate) fn distance<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
        (a - b).abs().max().into_scalar()
    }
}
