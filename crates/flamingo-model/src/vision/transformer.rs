//! The transformer of CLIP's two towers (Radford et al., 2021): layers that normalise first and
//! attend in both directions; or, as BERT's (Devlin et al., 2019), normalise behind each sum. Parameters are named as in
//! open_clip.

use flamingo_kernels::{
    Activation, Epilogue, Init, Linear, Module, Norm, NormKind, PackedWeight, Param, Tensor, add,
    add_gated, attention, linear, merge_heads, split_heads,
};
use serde::{Deserialize, Serialize};

use crate::sizes::check_sizes;

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
    /// Biases in the attention's linears.
    pub attention_bias: bool,
    /// Two learnt numbers a layer: `tanh` of them is what is let through of what it adds.
    pub gates: bool,
    /// Where a layer normalises.
    pub norm: NormPlace,
}

/// Where a layer normalises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormPlace {
    /// What goes into the attention and the feed-forward; the stream itself never.
    #[default]
    First,
    /// The stream, behind each sum (BERT).
    Last,
}

/// Which tokens of a row the others see.
#[derive(Debug, Clone, Copy)]
pub enum Seeing<'a> {
    /// All see all.
    All,
    /// A bias of scores says it, as for [`flamingo_kernels::attention`].
    Bias(&'a Tensor<4>),
    /// So many at the beginning see all, and the others see these alone.
    First(usize),
}

impl TransformerConfig {
    /// Parameters.
    pub fn parameters(&self) -> u64 {
        let (d, hidden) = (self.width, self.ffw_width);
        let biases = if self.attention_bias { 4 * d } else { 0 };
        let attention = 4 * d * d + biases;
        let ffw = 2 * hidden * d + hidden + d;
        let scales = if self.layer_scale { 2 * d } else { 0 };
        let gates = if self.gates { 2 } else { 0 };
        (self.layers * (attention + ffw + 4 * d + scales + gates)) as u64
    }

    /// Numbers that a training of all layers keeps of a token for its backward pass: the stream and its norm before both
    /// parts, queries, keys and values, what the attention gives, and the hidden layer before and behind its activation.
    pub(crate) fn kept_per_token(&self) -> usize {
        self.layers * (8 * self.width + 2 * self.ffw_width)
    }

    /// Operations (2 a multiply-add) for a row of `tokens`.
    pub fn flops(&self, tokens: usize) -> u64 {
        self.flops_of_pairs(tokens, tokens * tokens)
    }

    /// As [`TransformerConfig::flops`] where the tokens see `pairs` of each other.
    pub fn flops_of_pairs(&self, tokens: usize, pairs: usize) -> u64 {
        let d = self.width;
        let matrices = 2 * (4 * d + 2 * self.ffw_width) * d;
        (self.layers * (tokens * matrices + 4 * pairs * d)) as u64
    }

    /// What is impossible, said with both values; `part` is where the keys stand.
    pub(crate) fn check(&self, part: &str) -> Result<(), String> {
        check_sizes(part, &[("width", self.width)])?;
        if self.layers > 0 {
            check_sizes(part, &[("ffw_multiple", self.ffw_width)])?;
        }
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
    /// Before the attention, or behind its sum.
    pub ln_1: Norm,
    /// The attention.
    pub attn: Attention,
    /// Before the feed-forward, or behind its sum.
    pub ln_2: Norm,
    /// The feed-forward.
    pub mlp: Mlp,
    /// Times what the attention adds, `[width]`.
    pub ls_1: Option<Param<Tensor<1>>>,
    /// Times what the feed-forward adds, `[width]`.
    pub ls_2: Option<Param<Tensor<1>>>,
    /// Gate of the attention, `[1]`.
    pub alpha_attn: Option<Param<Tensor<1>>>,
    /// Gate of the feed-forward, `[1]`.
    pub alpha_mlp: Option<Param<Tensor<1>>>,
    #[module(skip)]
    norm: NormPlace,
}

/// Self-attention with queries, keys and values in one matrix.
#[derive(Module, Debug)]
pub struct Attention {
    /// `[3 * width, width]`: queries, keys, values.
    pub in_proj_weight: Param<Tensor<2>>,
    /// `[3 * width]`.
    pub in_proj_bias: Option<Param<Tensor<1>>>,
    /// Heads back to the stream.
    pub out_proj: Linear,
    /// `in_proj_weight` in few bits, where it was loaded so.
    #[module(skip)]
    pub packed: PackedWeight,
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

    /// # Shapes
    /// - `x` and output: `[B, L, width]`
    pub fn forward(&self, x: Tensor<3>, seeing: Seeing<'_>) -> Tensor<3> {
        self.resblocks
            .iter()
            .fold(x, |x, block| block.forward(x, seeing))
    }
}

impl ResidualBlock {
    fn new(config: &TransformerConfig, init: &mut Init) -> Self {
        let (d, hidden) = (config.width, config.ffw_width);
        let gain = (2.0 * config.layers as f64).powf(-0.5);
        let norm = |init: &mut Init| Norm::new(NormKind::LayerNorm, d, config.norm_epsilon, init);
        let scale = |init: &mut Init| config.layer_scale.then(|| init.full([d], 1.0));
        let closed = |init: &mut Init| config.gates.then(|| init.full([1], 0.0));
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
            alpha_attn: closed(init),
            alpha_mlp: closed(init),
            norm: config.norm,
        }
    }

    /// # Shapes
    /// - `x` and output: `[B, L, width]`
    pub(super) fn forward(&self, x: Tensor<3>, seeing: Seeing<'_>) -> Tensor<3> {
        let looked = self.attn.look(self.before(&self.ln_1, x.clone()), seeing);
        let x = added(
            x,
            (&self.attn.out_proj, looked),
            &self.ls_1,
            &self.alpha_attn,
        );
        let x = self.behind(&self.ln_1, x);
        let normed = self.before(&self.ln_2, x.clone());
        let hidden = self.mlp.c_fc.activated(normed, self.mlp.activation);
        let x = added(x, (&self.mlp.c_proj, hidden), &self.ls_2, &self.alpha_mlp);
        self.behind(&self.ln_2, x)
    }

    fn before(&self, norm: &Norm, x: Tensor<3>) -> Tensor<3> {
        match self.norm {
            NormPlace::First => norm.forward(x),
            NormPlace::Last => x,
        }
    }

    fn behind(&self, norm: &Norm, x: Tensor<3>) -> Tensor<3> {
        match self.norm {
            NormPlace::First => x,
            NormPlace::Last => norm.forward(x),
        }
    }
}

/// The stream and what a linear makes of `input`, scaled and gated.
fn added(
    x: Tensor<3>,
    (linear, input): (&Linear, Tensor<3>),
    scale: &Option<Param<Tensor<1>>>,
    alpha: &Option<Param<Tensor<1>>>,
) -> Tensor<3> {
    if scale.is_none() && alpha.is_none() {
        return linear.added_to(x, input);
    }
    let more = linear.forward(input);
    let more = match scale {
        Some(scale) => more * scale.val().unsqueeze(),
        None => more,
    };
    match alpha {
        Some(alpha) => add_gated(x, more, alpha.val().tanh()),
        None => add(x, more),
    }
}

impl Attention {
    fn new(config: &TransformerConfig, gain: f64, init: &mut Init) -> Self {
        let d = config.width;
        let in_proj_weight = init.normal([3 * d, d], (d as f64).powf(-0.5));
        Self {
            packed: init.packable(&in_proj_weight),
            in_proj_weight,
            in_proj_bias: config.attention_bias.then(|| init.full([3 * d], 0.0)),
            out_proj: Linear::scaled(d, d, config.attention_bias, gain, init),
            heads: config.heads,
        }
    }

    /// What each token looks at, heads side by side, before [`Attention::out_proj`].
    ///
    /// # Shapes
    /// - `x` and output: `[B, L, width]`
    fn look(&self, x: Tensor<3>, seeing: Seeing<'_>) -> Tensor<3> {
        let [b, l, d] = x.dims();
        let bias = self.in_proj_bias.as_ref().map(Param::val);
        let epilogue = Epilogue {
            bias,
            ..Epilogue::default()
        };
        let x = x.reshape([b * l, d]);
        let joint = linear(x, &self.in_proj_weight, &self.packed, epilogue);
        let joint = joint.reshape([b, l, 3 * d]);
        let parts = [0, 1, 2].map(|i| split_heads(joint.clone().narrow(2, i * d, d), self.heads));
        merge_heads(self.attend(parts, seeing))
    }

    /// # Shapes
    /// - queries, keys, values and output: `[B, H, L, Dh]`
    fn attend(&self, [q, k, v]: [Tensor<4>; 3], seeing: Seeing<'_>) -> Tensor<4> {
        let [_, _, tokens, width] = q.dims();
        let scale = (width as f64).powf(-0.5);
        let first = match seeing {
            Seeing::All => return attention(q, k, v, None, scale),
            Seeing::Bias(bias) => return attention(q, k, v, Some(bias.clone()), scale),
            Seeing::First(first) if first == tokens => return attention(q, k, v, None, scale),
            Seeing::First(first) => first,
        };
        let cut = |x: &Tensor<4>, start: usize, end: usize| x.clone().narrow(2, start, end - start);
        let of_first = attention(cut(&q, 0, first), k.clone(), v.clone(), None, scale);
        let (k, v) = (cut(&k, 0, first), cut(&v, 0, first));
        let of_others = attention(cut(&q, first, tokens), k, v, None, scale);
        Tensor::cat(vec![of_first, of_others], 2)
    }
}
