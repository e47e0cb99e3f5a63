//! Normaliser-free networks (Brock et al., 2021, "High-Performance Large-Scale Image Recognition
//! Without Normalization"): convolutions with standardised weights, and residual branches that
//! start small, in place of batch normalisation. The paper's encoder is NFNet-F6.
//!
//! Parameters are named near timm's `dm_nfnet_*`: `stages.0.0.conv1.weight`; stem convolutions by
//! number (`stem.0`), gains and squeeze-and-excite without axes of length 1. Paddings are those of
//! the published weights ("SAME").
//!
//! Gains of activations, betas and alphas are constants that multiply a convolution's input or
//! output; they are multiplied into its weights, which are few, and not into the pictures.

mod kept;

use flamingo_kernels::burn::tensor::activation::sigmoid;
use flamingo_kernels::{
    Activation, Init, Linear, Module, Norm, Param, Tensor, avg_pool2, conv2d_same,
};
use serde::{Deserialize, Serialize};

use super::encoded::rows;

/// A normaliser-free network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NfnetConfig {
    /// Height and width of a picture, in pixels.
    pub image_size: usize,
    /// Convolutions before the first stage, activations between them.
    pub stem: Vec<NfnetStem>,
    /// The stages.
    pub stages: Vec<NfnetStage>,
    /// What a residual block is.
    pub block: NfnetBlockKind,
    /// Squeeze-and-excite at the end of each block, its hidden width the block's divided by this.
    pub squeeze: Option<usize>,
    /// Times the residual branch.
    pub alpha: f64,
    /// First value of the learnt scalar that multiplies it, too; 0 in the paper.
    pub skip_gain: f64,
    /// Activation.
    pub activation: Activation,
    /// Width of a last 1x1 convolution.
    pub final_width: Option<usize>,
    /// What the features are made by.
    pub output: NfnetOutput,
    /// What keeps weights of equal values from being divided by nothing.
    #[serde(default)]
    pub variance: NfnetVariance,
}

/// A convolution of the stem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NfnetStem {
    /// Output channels.
    pub width: usize,
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Height and width are divided by this.
    pub stride: usize,
}

/// Residual blocks of one width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NfnetStage {
    /// Channels.
    pub width: usize,
    /// Number of blocks.
    pub depth: usize,
    /// What the first block divides height and width by, 1 or 2.
    pub stride: usize,
}

/// The convolutions of a residual block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NfnetBlockKind {
    /// 1x1 to a narrower width, two grouped 3x3, 1x1 back.
    Bottleneck {
        /// The block's width divided by the narrower one.
        reduction: usize,
        /// Channels of a group of the 3x3 convolutions.
        group_size: usize,
    },
    /// Two 3x3.
    Plain,
}

/// What keeps weights of equal values from being divided by nothing when they are standardised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NfnetVariance {
    /// The variance times the fan-in is at least 1e-4 (DeepMind's code).
    #[default]
    Floor,
    /// 1e-5 is added to the variance (timm).
    Added,
}

/// What features are made by, from the stream behind the last block or the last convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NfnetOutput {
    /// The activation (the published models).
    Activation,
    /// A normalisation over the channels of each position.
    LayerNorm,
}

/// One standardised convolution, for counting.
struct ConvSize {
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    groups: usize,
}

impl NfnetConfig {
    /// NFNet-F0, at the resolution it was trained at on ImageNet.
    pub fn f0() -> Self {
        Self::f(0, 192)
    }

    /// NFNet-F1.
    pub fn f1() -> Self {
        Self::f(1, 224)
    }

    /// NFNet-F2.
    pub fn f2() -> Self {
        Self::f(2, 256)
    }

    /// NFNet-F3.
    pub fn f3() -> Self {
        Self::f(3, 320)
    }

    /// NFNet-F4.
    pub fn f4() -> Self {
        Self::f(4, 384)
    }

    /// NFNet-F5.
    pub fn f5() -> Self {
        Self::f(5, 416)
    }

    /// NFNet-F6, at Flamingo's 320 pixels (448 on ImageNet).
    pub fn f6() -> Self {
        Self::f(6, 320)
    }

    fn f(n: usize, image_size: usize) -> Self {
        let stem = |width, stride| NfnetStem {
            width,
            kernel: 3,
            stride,
        };
        let stage = |width, depth, stride| NfnetStage {
            width,
            depth: depth * (n + 1),
            stride,
        };
        Self {
            image_size,
            stem: vec![stem(16, 2), stem(32, 1), stem(64, 1), stem(128, 2)],
            stages: vec![
                stage(256, 1, 1),
                stage(512, 2, 2),
                stage(1536, 6, 2),
                stage(1536, 3, 2),
            ],
            block: NfnetBlockKind::Bottleneck {
                reduction: 2,
                group_size: 128,
            },
            squeeze: Some(2),
            alpha: 0.2,
            skip_gain: 0.0,
            // DeepMind's code calls `jax.nn.gelu`, which approximates.
            activation: Activation::GeluTanh,
            final_width: Some(3072),
            output: NfnetOutput::Activation,
            variance: NfnetVariance::Floor,
        }
    }

    pub(super) fn width(&self) -> usize {
        let last = self.stages.last().map(|stage| stage.width);
        self.final_width
            .or(last)
            .or(self.stem.last().map(|stem| stem.width))
            .unwrap_or(3)
    }

    pub(super) fn grid(&self) -> usize {
        let strides = self.stem.iter().map(|stem| stem.stride);
        strides
            .chain(self.stages.iter().map(|stage| stage.stride))
            .fold(self.image_size, usize::div_ceil)
    }

    /// The residual blocks: input width, output width, stride and beta of each. Beta divides by the
    /// standard deviation that the stream has at initialisation if every branch has alpha's: it
    /// grows by alpha squared a block, and a shortcut that is a convolution starts it anew.
    fn blocks(&self) -> Vec<Vec<BlockSize>> {
        let mut input = self.stem.last().map_or(3, |stem| stem.width);
        let mut variance: f64 = 1.0;
        let stages = self.stages.iter().map(|stage| {
            let block = |i: usize| {
                let stride = if i == 0 { stage.stride } else { 1 };
                let block = BlockSize {
                    channels: [input, stage.width],
                    stride,
                    beta: variance.powf(-0.5),
                };
                if i == 0 {
                    variance = 1.0;
                }
                variance += self.alpha * self.alpha;
                input = stage.width;
                block
            };
            (0..stage.depth).map(block).collect()
        });
        stages.collect()
    }

    /// Convolutions of a block's branch, in order; the first of kernel 3 has the stride.
    fn branch(&self, block: &BlockSize) -> Vec<ConvSize> {
        let [input, output] = block.channels;
        let conv = |channels, kernel, stride, groups| ConvSize {
            channels,
            kernel,
            stride,
            groups,
        };
        match self.block {
            NfnetBlockKind::Plain => vec![
                conv([input, output], 3, block.stride, 1),
                conv([output, output], 3, 1, 1),
            ],
            NfnetBlockKind::Bottleneck {
                reduction,
                group_size,
            } => {
                let middle = output / reduction;
                let groups = middle / group_size;
                vec![
                    conv([input, middle], 1, 1, 1),
                    conv([middle, middle], 3, block.stride, groups),
                    conv([middle, middle], 3, 1, groups),
                    conv([middle, output], 1, 1, 1),
                ]
            }
        }
    }

    fn stem_convs(&self) -> Vec<ConvSize> {
        let inputs = std::iter::once(3).chain(self.stem.iter().map(|stem| stem.width));
        let conv = |(input, stem): (usize, &NfnetStem)| ConvSize {
            channels: [input, stem.width],
            kernel: stem.kernel,
            stride: stem.stride,
            groups: 1,
        };
        inputs.zip(&self.stem).map(conv).collect()
    }

    fn final_conv(&self) -> Option<ConvSize> {
        let input = Self {
            final_width: None,
            ..self.clone()
        }
        .width();
        self.final_width
            .map(|width| ConvSize::pointwise([input, width]))
    }

    fn squeeze_width(&self, width: usize) -> Option<usize> {
        self.squeeze.map(|ratio| width / ratio)
    }

    pub(super) fn parameters(&self) -> u64 {
        let mut sum: usize = self.stem_convs().iter().map(ConvSize::parameters).sum();
        for block in self.blocks().iter().flatten() {
            let d = block.channels[1];
            sum += self
                .branch(block)
                .iter()
                .map(ConvSize::parameters)
                .sum::<usize>()
                + 1;
            sum += block.shortcut().map_or(0, |conv| conv.parameters());
            sum += self
                .squeeze_width(d)
                .map_or(0, |hidden| 2 * d * hidden + hidden + d);
        }
        sum += self.final_conv().map_or(0, |conv| conv.parameters());
        let norm = if self.output == NfnetOutput::LayerNorm {
            2 * self.width()
        } else {
            0
        };
        (sum + norm) as u64
    }

    pub(super) fn flops_per_image(&self) -> u64 {
        let mut side = self.image_size;
        let mut sum = 0;
        for conv in self.stem_convs() {
            sum += conv.flops(&mut side);
        }
        for block in self.blocks().iter().flatten() {
            let d = block.channels[1];
            let mut inside = side;
            sum += self
                .branch(block)
                .iter()
                .map(|conv| conv.flops(&mut inside))
                .sum::<usize>();
            side = inside;
            sum += block.shortcut().map_or(0, |conv| conv.flops(&mut side));
            sum += self.squeeze_width(d).map_or(0, |hidden| 4 * d * hidden);
        }
        sum += self.final_conv().map_or(0, |conv| conv.flops(&mut side));
        sum as u64
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.stem.is_empty() || self.image_size == 0 {
            return Err(format!(
                "vision.image_size {} and {} convolutions in vision.stem: give at least 1 of each",
                self.image_size,
                self.stem.len()
            ));
        }
        for (i, stem) in self.stem.iter().enumerate() {
            if stem.width * stem.kernel * stem.stride == 0 {
                return Err(format!(
                    "vision.stem[{i}] has a 0 in {stem:?}: give at least 1"
                ));
            }
        }
        for (i, stage) in self.stages.iter().enumerate() {
            if !matches!(stage.stride, 1 | 2) || stage.width * stage.depth == 0 {
                return Err(format!(
                    "vision.stages[{i}] is {stage:?}: width and depth are at least 1, stride 1 or 2"
                ));
            }
            self.check_widths(i, stage.width)?;
        }
        Ok(())
    }

    fn check_widths(&self, stage: usize, width: usize) -> Result<(), String> {
        if let NfnetBlockKind::Bottleneck {
            reduction,
            group_size,
        } = self.block
            && !width.is_multiple_of((reduction * group_size).max(1))
        {
            return Err(format!(
                "vision.stages[{stage}].width {width} is not a multiple of vision.block.bottleneck \
                 reduction {reduction} times group_size {group_size}"
            ));
        }
        match self.squeeze {
            Some(ratio) if ratio == 0 || !width.is_multiple_of(ratio) => Err(format!(
                "vision.stages[{stage}].width {width} is not a multiple of vision.squeeze {ratio}"
            )),
            _ => Ok(()),
        }
    }
}

struct BlockSize {
    channels: [usize; 2],
    stride: usize,
    beta: f64,
}

impl BlockSize {
    /// The convolution of the shortcut (behind a pooling), where the shortcut is not the identity.
    fn shortcut(&self) -> Option<ConvSize> {
        let [input, output] = self.channels;
        (input != output || self.stride != 1).then(|| ConvSize::pointwise(self.channels))
    }
}

impl ConvSize {
    fn pointwise(channels: [usize; 2]) -> Self {
        Self {
            channels,
            kernel: 1,
            stride: 1,
            groups: 1,
        }
    }

    fn fan_in(&self) -> usize {
        self.channels[0] / self.groups * self.kernel * self.kernel
    }

    fn parameters(&self) -> usize {
        self.channels[1] * (self.fan_in() + 2)
    }

    /// Operations on a picture of `side`, which becomes that of the output.
    fn flops(&self, side: &mut usize) -> usize {
        *side = side.div_ceil(self.stride);
        2 * self.channels[1] * self.fan_in() * *side * *side
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct Nfnet {
    /// Convolutions before the first stage.
    pub stem: Vec<ScaledStdConv>,
    /// Residual blocks by stage.
    pub stages: Vec<Vec<NfnetBlock>>,
    /// A last 1x1 convolution.
    pub final_conv: Option<ScaledStdConv>,
    /// Over the features, where [`NfnetOutput::LayerNorm`] asks for it.
    pub norm: Option<Norm>,
    #[module(skip)]
    activation: Activation,
}

/// A residual block: activation, convolution, activation, ...
#[derive(Module, Debug)]
pub struct NfnetBlock {
    /// Of the shortcut, where it is not the identity.
    pub downsample: Option<NfnetShortcut>,
    /// First of the branch.
    pub conv1: ScaledStdConv,
    /// Second.
    pub conv2: ScaledStdConv,
    /// Third, of a bottleneck.
    pub conv2b: Option<ScaledStdConv>,
    /// Fourth, of a bottleneck.
    pub conv3: Option<ScaledStdConv>,
    /// At the end of the branch.
    pub attn_last: Option<SqueezeExcite>,
    /// `[1]`, times the branch.
    pub skipinit_gain: Param<Tensor<1>>,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    alpha: f64,
    #[module(skip)]
    beta: f64,
}

/// Pooling, where the block has a stride, and a 1x1 convolution.
#[derive(Module, Debug)]
pub struct NfnetShortcut {
    /// The convolution.
    pub conv: ScaledStdConv,
    #[module(skip)]
    pooled: bool,
}

/// A convolution whose weights have mean 0 and variance 1 / fan-in for each output channel, times a
/// learnt gain.
#[derive(Module, Debug)]
pub struct ScaledStdConv {
    /// `[c_output, c_input / groups, k, k]`, before standardisation.
    pub weight: Param<Tensor<4>>,
    /// `[c_output]`.
    pub gain: Param<Tensor<1>>,
    /// `[c_output]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    stride: usize,
    #[module(skip)]
    groups: usize,
    #[module(skip)]
    variance: NfnetVariance,
}

/// Channels weighed by what the whole picture holds (Hu et al., 2018).
#[derive(Module, Debug)]
pub struct SqueezeExcite {
    /// To the hidden width.
    pub fc1: Linear,
    /// Back.
    pub fc2: Linear,
}

impl Nfnet {
    /// An untrained network.
    pub fn new(config: &NfnetConfig, init: &mut Init) -> Self {
        let stem = config
            .stem_convs()
            .iter()
            .map(|conv| ScaledStdConv::new(conv, config.variance, init))
            .collect();
        let stages = config.blocks();
        let mut stage = |blocks: &Vec<BlockSize>| {
            blocks
                .iter()
                .map(|block| NfnetBlock::new(config, block, init))
                .collect()
        };
        Self {
            stem,
            stages: stages.iter().map(&mut stage).collect(),
            final_conv: config
                .final_conv()
                .map(|conv| ScaledStdConv::new(&conv, config.variance, init)),
            norm: match config.output {
                NfnetOutput::Activation => None,
                NfnetOutput::LayerNorm => Some(Norm::layer(config.width(), init)),
            },
            activation: config.activation,
        }
    }

    /// # Shapes
    /// - `pixels`: `[F, 3, h, w]`
    /// - output: `[F, S, Dv]`
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<3> {
        let gain = gain(self.activation);
        let mut x = pixels;
        for (i, conv) in self.stem.iter().enumerate() {
            x = match i {
                0 => conv.forward(x, 1.0, None),
                _ => conv.forward(self.activation.apply(x), gain, None),
            };
        }
        for block in self.stages.iter().flatten() {
            x = block.forward(x);
        }
        if let Some(conv) = &self.final_conv {
            x = conv.forward(x, 1.0, None);
        }
        match &self.norm {
            Some(norm) => norm.forward(rows(x)),
            None => rows(self.activation.apply(x) * gain),
        }
    }
}

impl NfnetBlock {
    fn new(config: &NfnetConfig, block: &BlockSize, init: &mut Init) -> Self {
        let convs = config.branch(block);
        let convs: Vec<_> = convs
            .iter()
            .map(|conv| ScaledStdConv::new(conv, config.variance, init))
            .collect();
        let mut convs = convs.into_iter();
        let (Some(conv1), Some(conv2)) = (convs.next(), convs.next()) else {
            unreachable!("a branch has two convolutions or four")
        };
        let d = block.channels[1];
        Self {
            conv1,
            conv2,
            conv2b: convs.next(),
            conv3: convs.next(),
            downsample: block.shortcut().map(|conv| NfnetShortcut {
                conv: ScaledStdConv::new(&conv, config.variance, init),
                pooled: block.stride != 1,
            }),
            attn_last: config.squeeze_width(d).map(|hidden| SqueezeExcite {
                fc1: Linear::new(d, hidden, true, init),
                fc2: Linear::new(hidden, d, true, init),
            }),
            skipinit_gain: init.full([1], config.skip_gain as f32),
            activation: config.activation,
            alpha: config.alpha,
            beta: block.beta,
        }
    }

    /// # Shapes
    /// - `x`: `[F, c_input, h, w]`
    /// - output: `[F, c_output, h / stride, w / stride]`
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let gain = gain(self.activation);
        let hidden = self.activation.apply(x.clone());
        let shortcut = match &self.downsample {
            Some(shortcut) => shortcut.forward(hidden.clone(), gain * self.beta),
            None => x,
        };
        let scale = self.skipinit_gain.val() * self.alpha;
        let branch = [Some(&self.conv2), self.conv2b.as_ref(), self.conv3.as_ref()];
        let branch: Vec<&ScaledStdConv> = branch.into_iter().flatten().collect();
        let (last, middle) = branch.split_last().expect("conv2 is always there");
        let mut y = self.conv1.forward(hidden, gain * self.beta, None);
        for conv in middle {
            y = conv.forward(self.activation.apply(y), gain, None);
        }
        let y = self.activation.apply(y);
        let branch = match &self.attn_last {
            None => last.forward(y, gain, Some(scale)),
            Some(attention) => {
                let y = last.forward(y, gain, None);
                // Twice the attention, whose mean is one half.
                let weights = attention.weights(y.clone()) * 2.0 * scale.unsqueeze();
                y * weights
            }
        };
        shortcut + branch
    }
}

impl NfnetShortcut {
    fn forward(&self, x: Tensor<4>, input_gain: f64) -> Tensor<4> {
        let x = if self.pooled { avg_pool2(x) } else { x };
        self.conv.forward(x, input_gain, None)
    }
}

impl ScaledStdConv {
    fn new(size: &ConvSize, variance: NfnetVariance, init: &mut Init) -> Self {
        let [c_input, c_output] = size.channels;
        let shape = [c_output, c_input / size.groups, size.kernel, size.kernel];
        Self {
            weight: init.normal(shape, (size.fan_in() as f64).powf(-0.5)),
            gain: init.full([c_output], 1.0),
            bias: init.full([c_output], 0.0),
            stride: size.stride,
            groups: size.groups,
            variance,
        }
    }

    /// The convolution of `input_gain * x`, times `output_scale`.
    ///
    /// # Shapes
    /// - `x`: `[F, c_input, h, w]`
    /// - `output_scale`: `[1]`
    /// - output: `[F, c_output, ceil(h / stride), ceil(w / stride)]`
    fn forward(&self, x: Tensor<4>, input_gain: f64, output_scale: Option<Tensor<1>>) -> Tensor<4> {
        let (mut gain, mut bias) = (self.gain.val() * input_gain, self.bias.val());
        if let Some(scale) = output_scale {
            gain = gain * scale.clone();
            bias = bias * scale;
        }
        conv2d_same(
            x,
            self.standardised(gain),
            Some(bias),
            self.stride,
            self.groups,
        )
    }

    /// The weights with mean 0, variance 1 / fan-in, times `gain` `[c_output]`.
    fn standardised(&self, gain: Tensor<1>) -> Tensor<4> {
        let weight = self.weight.val();
        let shape = weight.dims();
        let fan_in = shape[1] * shape[2] * shape[3];
        let weight = weight.reshape([shape[0], fan_in]);
        let centred = weight.clone() - weight.mean_dim(1);
        let variance = (centred.clone() * centred.clone()).mean_dim(1); // [c_output, 1]
        let deviation = match self.variance {
            NfnetVariance::Floor => (variance * fan_in as f64).clamp_min(1e-4),
            NfnetVariance::Added => (variance + 1e-5) * fan_in as f64,
        }
        .sqrt();
        (centred * (gain.unsqueeze_dim(1) / deviation)).reshape(shape)
    }
}

impl SqueezeExcite {
    /// What to multiply each channel by, within 0 and 1.
    ///
    /// # Shapes
    /// - `x`: `[F, c, h, w]`
    /// - output: `[F, c, 1, 1]`
    fn weights(&self, x: Tensor<4>) -> Tensor<4> {
        let [f, c, h, w] = x.dims();
        let whole: Tensor<2> = x.reshape([f, c, h * w]).mean_dim(2).squeeze_dim(2);
        let hidden = Activation::Relu.apply(self.fc1.forward(whole));
        sigmoid(self.fc2.forward(hidden)).reshape([f, c, 1, 1])
    }
}

/// What an activation of standard normal numbers is multiplied by to have variance 1: DeepMind's
/// measured constants, where they have one.
fn gain(activation: Activation) -> f64 {
    match activation {
        Activation::Gelu | Activation::GeluTanh => 1.701_504_349_708_557_1,
        Activation::QuickGelu => 1.709_358_589_9,
        // The numbers above 6 are too few to matter.
        Activation::Relu | Activation::Relu6 => 1.713_958_859_443_664_6,
        Activation::SquaredRelu => 0.894_427_191,
        Activation::Silu => 1.788_129_329_681_396_5,
    }
}

#[cfg(test)]
mod tests;
