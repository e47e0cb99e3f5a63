//! The transformer of CLIP's two towers (Radford et al., 2021): layers that normalise first and
//! attend in both directions. Parameters are named as in open_clip.

use flamingo_kernels::{
    Activation, Init, Linear, Module, Norm, NormKind, Param, QuantisedWeight, Tensor, affine,
    attention, merge_heads, split_heads,
};

/// Sizes of a transformer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransformerConfig {
    /// Width of the stream.
    pub width: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads of a layer.
    pub heads: usize,
    /// Hidden width of the feed-forward.
    pub ffw_width: usize,
    /// Activation of the feed-forward.
    pub activation: Activation,
    /// Added to the variance of the normalisations.
    pub norm_epsilon: f64,
    /// Learnt factors of each channel that a layer adds (Touvron et al., 2021).
    pub layer_scale: bool,
}

impl TransformerConfig {
    /// Parameters.
    pub fn parameters(&self) -> u64 {
        let (d, hidden) = (self.width, self.ffw_width);
        let attention = 4 * d * d + 4 * d;
        let ffw = 2 * hidden * d + hidden + d;
        let scales = if self.layer_scale { 2 * d } else { 0 };
        (self.layers * (attention + ffw + 4 * d + scales)) as u64
    }

    /// Operations (2 a multiply-add) for a row of `tokens`.
    pub fn flops(&self, tokens: usize) -> u64 {
        let d = self.width;
        let matrices = 2 * (4 * d + 2 * self.ffw_width) * d;
        (self.layers * tokens * (matrices + 4 * tokens * d)) as u64
    }

    /// What is impossible, said with both values; `part` is where the keys stand.
    pub(crate) fn check(&self, part: &str) -> Result<(), String> {
        if self.heads == 0 || !self.width.is_multiple_of(self.heads) {
            return Err(format!(
                "{part}.width {} is not a multiple of {part}.heads {}",
                self.width, self.heads
            ));
        }
        Ok(())
    }
}

/// Layers one after the other.
#[derive(Module, Debug)]
pub struct Transformer {
    /// The layers.
    pub resblocks: Vec<ResidualBlock>,
}

/// One layer.
#[derive(Module, Debug)]
pub struct ResidualBlock {
    /// Before the attention.
    pub ln_1: Norm,
    /// The attention.
    pub attn: Attention,
    /// Before the feed-forward.
    pub ln_2: Norm,
    /// The feed-forward.
    pub mlp: Mlp,
    /// Times what the attention adds, `[width]`.
    pub ls_1: Option<Param<Tensor<1>>>,
    /// Times what the feed-forward adds, `[width]`.
    pub ls_2: Option<Param<Tensor<1>>>,
}

/// Self-attention with queries, keys and values in one matrix.
#[derive(Module, Debug)]
pub struct Attention {
    /// `[3 * width, width]`: queries, keys, values.
    pub in_proj_weight: Param<Tensor<2>>,
    /// `[3 * width]`.
    pub in_proj_bias: Param<Tensor<1>>,
    /// Heads back to the stream.
    pub out_proj: Linear,
    /// `in_proj_weight` in few bits, where it was loaded so.
    #[module(skip)]
    pub quantised: QuantisedWeight,
    #[module(skip)]
    heads: usize,
}

/// Two linears with an activation between.
#[derive(Module, Debug)]
pub struct Mlp {
    /// Into the hidden width.
    pub c_fc: Linear,
    /// Out of it.
    pub c_proj: Linear,
    #[module(skip)]
    activation: Activation,
}

impl Transformer {
    /// An untrained transformer; what a layer adds to the stream starts smaller the more layers
    /// there are.
    pub fn new(config: &TransformerConfig, init: &mut Init) -> Self {
        Self {
            resblocks: (0..config.layers)
                .map(|_| ResidualBlock::new(config, init))
                .collect(),
        }
    }

    /// `bias` as for [`flamingo_kernels::attention`].
    ///
    /// # Shapes
    /// - `x` and output: `[B, L, width]`
    pub fn forward(&self, x: Tensor<3>, bias: Option<&Tensor<4>>) -> Tensor<3> {
        self.resblocks
            .iter()
            .fold(x, |x, block| block.forward(x, bias))
    }
}

impl ResidualBlock {
    fn new(config: &TransformerConfig, init: &mut Init) -> Self {
        let (d, hidden) = (config.width, config.ffw_width);
        let gain = (2.0 * config.layers as f64).powf(-0.5);
        let norm = |init: &mut Init| Norm::new(NormKind::LayerNorm, d, config.norm_epsilon, init);
        let scale = |init: &mut Init| config.layer_scale.then(|| init.full([d], 1.0));
        Self {
            ln_1: norm(init),
            attn: Attention::new(config, gain, init),
            ln_2: norm(init),
            mlp: Mlp {
                c_fc: Linear::new(d, hidden, true, init),
                c_proj: Linear::scaled(hidden, d, true, gain, init),
                activation: config.activation,
            },
            ls_1: scale(init),
            ls_2: scale(init),
        }
    }

    fn forward(&self, x: Tensor<3>, bias: Option<&Tensor<4>>) -> Tensor<3> {
        let attended = self.attn.forward(self.ln_1.forward(x.clone()), bias);
        let x = x + scaled(attended, &self.ls_1);
        let hidden = self.mlp.c_fc.forward(self.ln_2.forward(x.clone()));
        let added = self.mlp.c_proj.forward(self.mlp.activation.apply(hidden));
        x + scaled(added, &self.ls_2)
    }
}

fn scaled(x: Tensor<3>, scale: &Option<Param<Tensor<1>>>) -> Tensor<3> {
    match scale {
        Some(scale) => x * scale.val().unsqueeze(),
        None => x,
    }
}

impl Attention {
    fn new(config: &TransformerConfig, gain: f64, init: &mut Init) -> Self {
        let d = config.width;
        let in_proj_weight = init.normal([3 * d, d], (d as f64).powf(-0.5));
        Self {
            quantised: init.quantisable(&in_proj_weight),
            in_proj_weight,
            in_proj_bias: init.full([3 * d], 0.0),
            out_proj: Linear::scaled(d, d, true, gain, init),
            heads: config.heads,
        }
    }

    fn forward(&self, x: Tensor<3>, bias: Option<&Tensor<4>>) -> Tensor<3> {
        let [b, l, d] = x.dims();
        let x = x.reshape([b * l, d]);
        let shift = self.in_proj_bias.val();
        let joint = match self.quantised.product(&x) {
            Some(joint) => joint + shift.unsqueeze(),
            None => affine(x, self.in_proj_weight.val(), Some(shift)),
        };
        let joint = joint.reshape([b, l, 3 * d]);
        let [q, k, v] =
            [0, 1, 2].map(|i| split_heads(joint.clone().narrow(2, i * d, d), self.heads));
        let scale = ((d / self.heads) as f64).powf(-0.5);
        let looked = attention(q, k, v, bias.cloned(), scale); // [B, H, L, Dh]
        self.out_proj.forward(merge_heads(looked))
    }
}
