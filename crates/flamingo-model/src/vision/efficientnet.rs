//! EfficientNets (Tan and Le, 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
//! Networks") and their Lite variants: blocks that widen the channels, convolve each by itself, and narrow
//! them again. Small and fast, with features that a Flamingo of a few million parameters can use.
//!
//! Between the layers a picture has its channels side by side, `[F, h, w, c]`: a 1x1 convolution is a matrix
//! product, and the depthwise kernel reads whole lines. Batch normalisation stands as trained and never learns;
//! it is multiplied into the weights, which are few, and not into the pictures.
//!
//! Parameters are named near timm's: `blocks` are numbered through, `expand`, `depthwise` and `project` stand for
//! its `conv_pw`, `conv_dw` and `conv_pwl`.

use flamingo_kernels::burn::tensor::activation::sigmoid;
use flamingo_kernels::{
    Activation, Init, Linear, Module, Param, Tensor, affine, conv2d_same, depthwise_same,
};
use serde::{Deserialize, Serialize};

/// An EfficientNet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EfficientNetConfig {
    /// Height and width of a picture, in pixels.
    pub image_size: usize,
    /// Channels behind the first convolution, which halves height and width.
    pub stem_width: usize,
    /// The stages.
    pub stages: Vec<EfficientNetStage>,
    /// Squeeze-and-excite in each block, its hidden width that of the block's input divided by this; the Lite
    /// variants have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub squeeze: Option<usize>,
    /// Channels behind the last 1x1 convolution, the width of features.
    pub final_width: usize,
    /// Activation.
    pub activation: Activation,
}

/// Blocks of one width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EfficientNetStage {
    /// Channels.
    pub width: usize,
    /// Number of blocks.
    pub depth: usize,
    /// What the first block divides height and width by, 1 or 2.
    pub stride: usize,
    /// Height and width of the depthwise kernel.
    pub kernel: usize,
    /// Channels inside a block, divided by those of its input; at 1 a block does not widen.
    pub expansion: usize,
}

/// Added to variances, as in TensorFlow.
const EPSILON: f64 = 1e-3;

/// The published pictures' sizes, and by what widths and depths are multiplied, in tenths.
const LITE: [(usize, usize, usize); 5] = [
    (224, 10, 10),
    (240, 10, 11),
    (260, 11, 12),
    (280, 12, 14),
    (300, 14, 18),
];

/// Width, depth, stride, kernel and expansion of the stages of B0 and Lite0.
const STAGES: [[usize; 5]; 7] = [
    [16, 1, 1, 3, 1],
    [24, 2, 2, 3, 6],
    [40, 2, 2, 5, 6],
    [80, 3, 2, 3, 6],
    [112, 3, 1, 5, 6],
    [192, 4, 2, 5, 6],
    [320, 1, 1, 3, 6],
];

impl EfficientNetConfig {
    /// EfficientNet-B0.
    pub fn b0() -> Self {
        Self {
            squeeze: Some(4),
            activation: Activation::Silu,
            ..Self::scaled(224, 10, 10)
        }
    }

    /// EfficientNet-Lite0 to Lite4.
    ///
    /// # Panics
    /// If `n` is above 4.
    pub fn lite(n: usize) -> Self {
        let (image_size, width, depth) = LITE[n];
        Self::scaled(image_size, width, depth)
    }

    /// Lite0 with widths and depths multiplied by tenths; stem, last convolution, and the depths of the first and
    /// the last stage stay.
    fn scaled(image_size: usize, width: usize, depth: usize) -> Self {
        let stage = |(i, [channels, blocks, stride, kernel, expansion]): (usize, [usize; 5])| {
            let fixed = i == 0 || i + 1 == STAGES.len();
            EfficientNetStage {
                width: in_eights(channels, width),
                depth: match fixed {
                    true => blocks,
                    false => (blocks * depth).div_ceil(10),
                },
                stride,
                kernel,
                expansion,
            }
        };
        Self {
            image_size,
            stem_width: 32,
            stages: STAGES.into_iter().enumerate().map(stage).collect(),
            squeeze: None,
            final_width: 1280,
            activation: Activation::Relu6,
        }
    }

    pub(super) fn grid(&self) -> usize {
        let stages = self.stages.iter().map(|stage| stage.stride);
        std::iter::once(2)
            .chain(stages)
            .fold(self.image_size, usize::div_ceil)
    }

    /// Numbers in memory for one picture at the widest place: the stream, its activation and a product of it.
    pub(super) fn work_per_image(&self) -> u64 {
        let mut side = self.image_size.div_ceil(2);
        let mut most = self.stem_width * side * side;
        for block in self.blocks() {
            most = most.max(block.channels[1] * side * side);
            side = side.div_ceil(block.stride);
        }
        3 * most as u64
    }

    /// The blocks of all stages.
    fn blocks(&self) -> Vec<BlockSize> {
        let mut input = self.stem_width;
        let mut blocks = Vec::new();
        for stage in &self.stages {
            for i in 0..stage.depth {
                blocks.push(BlockSize {
                    channels: [input, input * stage.expansion, stage.width],
                    stride: if i == 0 { stage.stride } else { 1 },
                    kernel: stage.kernel,
                    squeezed: self.squeeze.map(|ratio| (input / ratio).max(1)),
                });
                input = stage.width;
            }
        }
        blocks
    }

    /// Channels before the last convolution.
    fn last_width(&self) -> usize {
        let last = self.stages.last().map(|stage| stage.width);
        last.unwrap_or(self.stem_width)
    }

    pub(super) fn parameters(&self) -> u64 {
        // A normalisation has four numbers for each channel.
        let stem = self.stem_width * (3 * 9 + 4);
        let head = self.final_width * (self.last_width() + 4);
        let blocks: usize = self.blocks().iter().map(BlockSize::parameters).sum();
        (stem + blocks + head) as u64
    }

    pub(super) fn flops_per_image(&self) -> u64 {
        let mut side = self.image_size.div_ceil(2);
        let mut sum = 2 * 27 * self.stem_width * side * side;
        for block in self.blocks() {
            sum += block.flops(&mut side);
        }
        sum += 2 * self.last_width() * self.final_width * side * side;
        sum as u64
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.image_size * self.stem_width * self.final_width == 0 {
            return Err(format!(
                "vision.image_size {}, vision.stem_width {} and vision.final_width {}: give at least 1 of each",
                self.image_size, self.stem_width, self.final_width
            ));
        }
        if self.squeeze == Some(0) {
            return Err("vision.squeeze is 0: give at least 1, or leave it out".to_owned());
        }
        for (i, stage) in self.stages.iter().enumerate() {
            let some = stage.width * stage.depth * stage.expansion != 0;
            if !some || !matches!(stage.stride, 1 | 2) || stage.kernel.is_multiple_of(2) {
                return Err(format!(
                    "vision.stages[{i}] is {stage:?}: width, depth and expansion are at least 1, stride 1 or 2, kernel odd"
                ));
            }
        }
        Ok(())
    }
}

/// `channels * tenths / 10` to the nearest multiple of 8, at least 8 and no less than nine tenths of it.
fn in_eights(channels: usize, tenths: usize) -> usize {
    let wanted = channels * tenths; // in tenths
    let rounded = ((wanted + 40) / 80 * 8).max(8);
    match rounded * 100 < wanted * 9 {
        true => rounded + 8,
        false => rounded,
    }
}

struct BlockSize {
    /// Of the input, inside, of the output.
    channels: [usize; 3],
    stride: usize,
    kernel: usize,
    squeezed: Option<usize>,
}

impl BlockSize {
    fn expands(&self) -> bool {
        self.channels[0] != self.channels[1]
    }

    fn parameters(&self) -> usize {
        let [input, inside, output] = self.channels;
        let expand = if self.expands() {
            inside * (input + 4)
        } else {
            0
        };
        let depthwise = inside * (self.kernel * self.kernel + 4);
        let squeeze = self
            .squeezed
            .map_or(0, |hidden| 2 * inside * hidden + inside + hidden);
        expand + depthwise + squeeze + output * (inside + 4)
    }

    /// Operations on a picture of `side`, which becomes that of the output.
    fn flops(&self, side: &mut usize) -> usize {
        let [input, inside, output] = self.channels;
        let before = *side * *side;
        *side = side.div_ceil(self.stride);
        let behind = *side * *side;
        let expand = if self.expands() {
            2 * input * inside * before
        } else {
            0
        };
        let depthwise = 2 * self.kernel * self.kernel * inside * behind;
        let squeeze = self.squeezed.map_or(0, |hidden| 4 * inside * hidden);
        expand + depthwise + squeeze + 2 * inside * output * behind
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct EfficientNet {
    /// The first convolution.
    pub stem: NormedConv,
    /// The blocks of all stages.
    pub blocks: Vec<EfficientNetBlock>,
    /// The last 1x1 convolution.
    pub head: NormedLinear,
    #[module(skip)]
    activation: Activation,
}

/// A block: wider, each channel by itself, narrower.
#[derive(Module, Debug)]
pub struct EfficientNetBlock {
    /// To the width inside, where that is another.
    pub expand: Option<NormedLinear>,
    /// Each channel by itself.
    pub depthwise: NormedConv,
    /// To the hidden width of squeeze-and-excite, where there is one.
    pub squeeze: Option<Linear>,
    /// Back.
    pub excite: Option<Linear>,
    /// To the width of the output.
    pub project: NormedLinear,
    #[module(skip)]
    activation: Activation,
    /// Whether the input is added to the output.
    #[module(skip)]
    residual: bool,
}

/// A 1x1 convolution and its normalisation.
#[derive(Module, Debug)]
pub struct NormedLinear {
    /// `[c_output, c_input]`.
    pub weight: Param<Tensor<2>>,
    /// Over the outputs.
    pub norm: BatchNorm,
}

/// A convolution and its normalisation.
#[derive(Module, Debug)]
pub struct NormedConv {
    /// `[c_output, c_input, k, k]`, or `[c, 1, k, k]` of each channel by itself.
    pub weight: Param<Tensor<4>>,
    /// Over the outputs.
    pub norm: BatchNorm,
    #[module(skip)]
    stride: usize,
}

/// Batch normalisation with the mean and the variance that training has left.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// `[c]`, times the normalised number.
    pub weight: Param<Tensor<1>>,
    /// `[c]`, added to it.
    pub bias: Param<Tensor<1>>,
    /// `[c]`.
    pub mean: Param<Tensor<1>>,
    /// `[c]`.
    pub variance: Param<Tensor<1>>,
}

impl EfficientNet {
    /// An untrained network.
    pub fn new(config: &EfficientNetConfig, init: &mut Init) -> Self {
        let block = |size: &BlockSize, init: &mut Init| {
            EfficientNetBlock::new(size, config.activation, init)
        };
        Self {
            stem: NormedConv::new([config.stem_width, 3, 3, 3], 2, init),
            blocks: config
                .blocks()
                .iter()
                .map(|size| block(size, init))
                .collect(),
            head: NormedLinear::new(config.last_width(), config.final_width, init),
            activation: config.activation,
        }
    }

    /// # Shapes
    /// - `pixels`: `[F, 3, h, w]`
    /// - output: `[F, S, Dv]`
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<3> {
        let mut x = self.activation.apply(self.stem.forward(pixels)); // [F, h, w, c]
        for block in &self.blocks {
            x = block.forward(x);
        }
        let x = self.activation.apply(self.head.forward(x));
        let [f, h, w, d] = x.dims();
        x.reshape([f, h * w, d])
    }
}

impl EfficientNetBlock {
    fn new(size: &BlockSize, activation: Activation, init: &mut Init) -> Self {
        let [input, inside, output] = size.channels;
        let kernel = [inside, 1, size.kernel, size.kernel];
        let linear = |from, to, init: &mut Init| Linear::new(from, to, true, init);
        Self {
            expand: size
                .expands()
                .then(|| NormedLinear::new(input, inside, init)),
            depthwise: NormedConv::new(kernel, size.stride, init),
            squeeze: size.squeezed.map(|hidden| linear(inside, hidden, init)),
            excite: size.squeezed.map(|hidden| linear(hidden, inside, init)),
            project: NormedLinear::new(inside, output, init),
            activation,
            residual: size.stride == 1 && input == output,
        }
    }

    /// # Shapes
    /// - `x`: `[F, h, w, c_input]`
    /// - output: `[F, ceil(h / stride), ceil(w / stride), c_output]`
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut y = match &self.expand {
            Some(expand) => self.activation.apply(expand.forward(x.clone())),
            None => x.clone(),
        };
        y = self.depthwise.depthwise(y, self.activation);
        if let (Some(squeeze), Some(excite)) = (&self.squeeze, &self.excite) {
            let [f, h, w, c] = y.dims();
            let whole: Tensor<2> = y.clone().reshape([f, h * w, c]).mean_dim(1).squeeze_dim(1);
            let hidden = self.activation.apply(squeeze.forward(whole));
            y = y * sigmoid(excite.forward(hidden)).reshape([f, 1, 1, c]);
        }
        let y = self.project.forward(y);
        match self.residual {
            true => x + y,
            false => y,
        }
    }
}

impl NormedLinear {
    fn new(c_input: usize, c_output: usize, init: &mut Init) -> Self {
        Self {
            weight: init.normal([c_output, c_input], (c_input as f64).powf(-0.5)),
            norm: BatchNorm::new(c_output, init),
        }
    }

    /// # Shapes
    /// - `x`: `[F, h, w, c_input]`
    /// - output: `[F, h, w, c_output]`
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let ([f, h, w, c_input], [c_output, _]) = (x.dims(), self.weight.lazy_shape().dims());
        let (scale, shift) = self.norm.scale_and_shift();
        let weight = self.weight.val() * scale.unsqueeze_dim(1);
        affine(x.reshape([f * h * w, c_input]), weight, Some(shift)).reshape([f, h, w, c_output])
    }
}

impl NormedConv {
    fn new(shape: [usize; 4], stride: usize, init: &mut Init) -> Self {
        let fan_in = shape[1] * shape[2] * shape[3];
        Self {
            weight: init.normal(shape, (fan_in as f64).powf(-0.5)),
            norm: BatchNorm::new(shape[0], init),
            stride,
        }
    }

    /// The weight and the bias that convolve and normalise at once.
    fn folded(&self) -> (Tensor<4>, Tensor<1>) {
        let (scale, shift) = self.norm.scale_and_shift();
        let [c] = scale.dims();
        (self.weight.val() * scale.reshape([c, 1, 1, 1]), shift)
    }

    /// # Shapes
    /// - `x`: `[F, c_input, h, w]`
    /// - output: `[F, ceil(h / stride), ceil(w / stride), c_output]`
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = self.folded();
        conv2d_same(x, weight, Some(bias), self.stride, 1).permute([0, 2, 3, 1])
    }

    /// Each channel by itself, and the activation.
    ///
    /// # Shapes
    /// - `x`: `[F, h, w, c]`
    /// - output: `[F, ceil(h / stride), ceil(w / stride), c]`
    fn depthwise(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        let (weight, bias) = self.folded();
        let unbounded = [f32::NEG_INFINITY, f32::INFINITY];
        match activation {
            Activation::Relu6 => depthwise_same(x, weight, bias, self.stride, [0.0, 6.0]),
            other => other.apply(depthwise_same(x, weight, bias, self.stride, unbounded)),
        }
    }
}

impl BatchNorm {
    fn new(channels: usize, init: &mut Init) -> Self {
        Self {
            weight: init.full([channels], 1.0),
            bias: init.full([channels], 0.0),
            mean: init.full([channels], 0.0),
            variance: init.full([channels], 1.0),
        }
    }

    /// What to multiply by and then to add, both `[c]`.
    fn scale_and_shift(&self) -> (Tensor<1>, Tensor<1>) {
        let scale = self.weight.val() / (self.variance.val() + EPSILON).sqrt();
        let shift = self.bias.val() - self.mean.val() * scale.clone();
        (scale, shift)
    }
}

#[cfg(test)]
mod tests;
