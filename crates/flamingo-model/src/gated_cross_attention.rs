//! GATED XATTN-DENSE (paper, 2.2): a block put before a frozen language-model layer that lets the
//! text look at the latents, behind gates that start closed.
//!
//! `y += tanh(alpha_xattn) * cross_attention(y, latents)`; `y += tanh(alpha_dense) * ffw(y)`. Both
//! alphas start at 0, so at first the model is the frozen language model, bit for bit. A token that
//! sees no medium gets nothing from the attention; the feed-forward applies to every token.
//!
//! The open models differ from the paper and each other in where the blocks stand, in their norms,
//! activations and gates: [`GatedConfig`] has them all.

use std::ops::Range;

use flamingo_kernels::{
    Activation, Heads, Init, Linear, Module, Norm, NormKind, Order, Param, QueryGroup, Tensor,
    add_gated, attend, attention, merge_heads, split_heads,
};
use serde::{Deserialize, Serialize};

use crate::{Looking, Media};

/// On which side of its layer a block stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Before it (the paper, OpenFlamingo, IDEFICS).
    #[default]
    Before,
    /// Behind it (flamingo-pytorch).
    After,
}

/// What a gate is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// One number.
    #[default]
    Scalar,
    /// One for each channel (an IDEFICS option).
    Vector,
}

/// Sizes of the gated blocks, and the layers that they stand at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatedConfig {
    /// A block at every n-th language-model layer.
    #[serde(default = "one")]
    pub every: usize,
    /// The first layer that has one (0 in the paper; `every - 1` in OpenFlamingo).
    #[serde(default)]
    pub first: usize,
    /// The layers that have one, rising, in place of `every` and `first`. Layers before the first one
    /// need no backward pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<usize>,
    /// Attention heads.
    pub heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Hidden width of the feed-forward, as a multiple of the text width.
    pub ffw_multiple: usize,
    /// Activation of the feed-forward.
    pub activation: Activation,
    /// On which side of its layer a block stands.
    #[serde(default)]
    pub placement: Placement,
    /// What the gates are.
    #[serde(default)]
    pub gate: Gate,
    /// The normalisations of the text.
    #[serde(default = "norm")]
    pub norm: NormKind,
    /// Added to their variance.
    #[serde(default = "norm_epsilon")]
    pub norm_epsilon: f64,
    /// Normalisation of queries and keys within each head, of the same kind.
    #[serde(default)]
    pub query_key_norm: bool,
    /// Hidden width of the feed-forward where it is no multiple of the text width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ffw_width: Option<usize>,
    /// A second input projection that gates the first (SwiGLU with SiLU).
    #[serde(default)]
    pub gated_ffw: bool,
}

fn one() -> usize {
    1
}

fn norm() -> NormKind {
    NormKind::LayerNorm
}

fn norm_epsilon() -> f64 {
    1e-5
}

impl GatedConfig {
    /// The paper's block over `heads` heads of 128, before every `every`-th layer.
    pub fn paper(every: usize, heads: usize) -> Self {
        let activation = Activation::SquaredRelu;
        Self {
            every,
            first: 0,
            layers: Vec::new(),
            heads,
            head_dim: 128,
            ffw_multiple: 4,
            activation,
            placement: Placement::Before,
            gate: Gate::Scalar,
            norm: norm(),
            norm_epsilon: norm_epsilon(),
            query_key_norm: false,
            ffw_width: None,
            gated_ffw: false,
        }
    }

    /// OpenFlamingo's block: 8 heads of 64 and GELU in all its models, before the layers
    /// `every - 1`, `2 every - 1`, ...
    pub fn open_flamingo(every: usize) -> Self {
        Self {
            first: every.saturating_sub(1),
            head_dim: 64,
            activation: Activation::Gelu,
            ..Self::paper(every, 8)
        }
    }

    /// Whether a block stands at `point` of a language model of `layers` layers: before layer
    /// `point`, or behind the last where `point` is `layers`.
    pub fn stands_at(&self, point: usize, layers: usize) -> bool {
        let layer = match self.placement {
            Placement::Before => Some(point).filter(|&layer| layer < layers),
            Placement::After => point.checked_sub(1),
        };
        layer.is_some_and(|layer| match &self.layers[..] {
            [] => layer >= self.first && (layer - self.first).is_multiple_of(self.every),
            listed => listed.contains(&layer),
        })
    }

    /// What is impossible in a language model of `layers` layers, said with both values.
    pub(crate) fn check(&self, layers: usize) -> Result<(), String> {
        let listed = &self.layers;
        if self.every == 0 {
            return Err("gated.every is 0: give 1 for a block before every layer".into());
        }
        if listed.is_empty() && self.first >= layers {
            return Err(format!(
                "gated.first {} leaves no gated block in language.layers {layers}: give a smaller one",
                self.first
            ));
        }
        if !listed.is_empty() && (self.every, self.first) != (1, 0) {
            return Err(format!(
                "gated.layers lists the layers, gated.every {} and gated.first {} have no use: leave them out",
                self.every, self.first
            ));
        }
        if let Some(pair) = listed.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(format!(
                "gated.layers has {} before {}: list each layer once, rising",
                pair[0], pair[1]
            ));
        }
        match listed.last().filter(|last| **last >= layers) {
            Some(last) => Err(format!(
                "gated.layers has {last}, language.layers is {layers}: the last layer is {}",
                layers.saturating_sub(1)
            )),
            None => Ok(()),
        }
    }

    /// Hidden width of the feed-forward between text of width `d`.
    pub fn hidden(&self, d: usize) -> usize {
        self.ffw_width.unwrap_or(self.ffw_multiple * d)
    }

    /// Parameters of one block between text of width `d` and latents of width `media_width`.
    pub fn parameters(&self, d: usize, media_width: usize) -> u64 {
        let inner = self.heads * self.head_dim;
        let matrices = if self.gated_ffw { 3 } else { 2 };
        let norm = if self.norm == NormKind::LayerNorm {
            2
        } else {
            1
        };
        let of_heads = if self.query_key_norm {
            2 * self.head_dim
        } else {
            0
        };
        let gates = 2 * self.gate_width(d);
        let norms = norm * (2 * d + of_heads);
        (2 * d * inner + 2 * media_width * inner + matrices * self.hidden(d) * d + norms + gates)
            as u64
    }

    fn gate_width(&self, d: usize) -> usize {
        match self.gate {
            Gate::Scalar => 1,
            Gate::Vector => d,
        }
    }

    /// Operations (2 a multiply-add) of one block for one token that looks at `latents` latents,
    /// their keys and values being there.
    pub fn flops_per_token(&self, d: usize, latents: usize) -> u64 {
        let inner = self.heads * self.head_dim;
        let matrices = if self.gated_ffw { 3 } else { 2 };
        (4 * d * inner + 4 * latents * inner + 2 * matrices * self.hidden(d) * d) as u64
    }
}

/// One block.
#[derive(Module, Debug)]
pub struct GatedCrossAttention {
    /// Of the text, before its queries.
    pub norm: Norm,
    /// Queries of the text.
    pub q: Linear,
    /// Keys of the latents.
    pub k: Linear,
    /// Values of the latents.
    pub v: Linear,
    /// Heads back to the text; without bias, so that what sees nothing gets exactly zero.
    pub out: Linear,
    /// Of each head's queries.
    pub norm_q: Option<Norm>,
    /// Of each head's keys.
    pub norm_k: Option<Norm>,
    /// Gate of the attention, `[1]` or `[D]`.
    pub alpha_xattn: Param<Tensor<1>>,
    /// Before the feed-forward.
    pub norm_dense: Norm,
    /// Into the feed-forward.
    pub dense_in: Linear,
    /// What the activation is applied to, where it gates `dense_in`.
    pub dense_gate: Option<Linear>,
    /// Out of it.
    pub dense_out: Linear,
    /// Gate of the feed-forward, `[1]` or `[D]`.
    pub alpha_dense: Param<Tensor<1>>,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    activation: Activation,
}

impl GatedCrossAttention {
    /// A closed block between text of width `d` and latents of width `media_width`.
    pub fn new(config: &GatedConfig, d: usize, media_width: usize, init: &mut Init) -> Self {
        let (inner, hidden) = (config.heads * config.head_dim, config.hidden(d));
        let norm = |width: usize, init: &mut Init| {
            Norm::new(config.norm, width, config.norm_epsilon, init)
        };
        let norm_of_heads =
            |init: &mut Init| config.query_key_norm.then(|| norm(config.head_dim, init));
        let closed = |init: &mut Init| init.full([config.gate_width(d)], 0.0);
        Self {
            norm: norm(d, init),
            q: Linear::new(d, inner, false, init),
            k: Linear::new(media_width, inner, false, init),
            v: Linear::new(media_width, inner, false, init),
            out: Linear::new(inner, d, false, init),
            norm_q: norm_of_heads(init),
            norm_k: norm_of_heads(init),
            alpha_xattn: closed(init),
            norm_dense: norm(d, init),
            dense_in: Linear::new(d, hidden, false, init),
            dense_gate: config
                .gated_ffw
                .then(|| Linear::new(d, hidden, false, init)),
            dense_out: Linear::new(hidden, d, false, init),
            alpha_dense: closed(init),
            heads: config.heads,
            activation: config.activation,
        }
    }

    /// Keys and values of latents: computed once per image, whatever is asked of it later.
    ///
    /// # Shapes
    /// - `latents`: `[M, R, media_width]`
    /// - output: twice `[M, R, H * Dh]`
    pub fn keys_values(&self, latents: Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        let k = self.k.forward(latents.clone());
        let k = match &self.norm_k {
            Some(norm) => merge_heads(norm.forward(split_heads(k, self.heads))),
            None => k,
        };
        (k, self.v.forward(latents))
    }

    /// # Shapes
    /// - `y` and output: `[B, L, D]`
    /// - `media`: with this block as number `block`
    pub fn forward(
        &self,
        y: Tensor<3>,
        media: &Media,
        block: usize,
        looking: &Looking,
    ) -> Tensor<3> {
        let looked = self.cross_attention(y.clone(), media, block, looking);
        self.add(y, looked)
    }

    /// The block's output from its input `y` and what its cross-attention gave, before the gate.
    ///
    /// # Shapes
    /// - all: `[B, L, D]`
    pub fn add(&self, y: Tensor<3>, looked: Option<Tensor<3>>) -> Tensor<3> {
        let y = match looked {
            Some(looked) => add_gated(y, looked, self.alpha_xattn.val().tanh()),
            None => y,
        };
        let normed = self.norm_dense.forward(y.clone());
        let input = self.dense_in.forward(normed.clone());
        let hidden = match &self.dense_gate {
            Some(gate) => self.activation.apply(gate.forward(normed)) * input,
            None => self.activation.apply(input),
        };
        let added = self.dense_out.forward(hidden);
        add_gated(y, added, self.alpha_dense.val().tanh())
    }

    /// The attention before its gate; none if no token sees anything.
    ///
    /// # Shapes
    /// - `y` and output: `[B, L, D]`
    /// - `media`: with this block as number `block`
    pub fn cross_attention(
        &self,
        y: Tensor<3>,
        media: &Media,
        block: usize,
        looking: &Looking,
    ) -> Option<Tensor<3>> {
        let [b, l, d] = y.dims();
        if matches!(looking, Looking::Nowhere) || media.is_empty() {
            return None;
        }
        let q = self.q.forward(self.norm.forward(y).reshape([b * l, d])); // [B * L, H * Dh]
        let looked = match looking {
            Looking::Nowhere => return None,
            Looking::Runs(runs) => self.look_in_runs(q, media, block, runs),
            Looking::One {
                gather,
                scatter,
                media: seen,
                width,
            } => self.look_at_one(q, media.joint(block), [gather, scatter, seen], *width),
            Looking::Many { bias, sees_any } => {
                let sees_any = sees_any.clone().cast(q.dtype());
                self.look_at_many(q, media.joint(block), bias.clone()) * sees_any
            }
        };
        Some(self.out.forward(looked).reshape([b, l, d]))
    }

    /// Each stretch of queries meets its medium's latents where they lie.
    fn look_in_runs(
        &self,
        q: Tensor<2>,
        media: &Media,
        block: usize,
        runs: &[(Range<usize>, usize)],
    ) -> Tensor<2> {
        let [tokens, inner] = q.dims();
        let q = match &self.norm_q {
            Some(norm) => {
                let heads = q.reshape([tokens, self.heads, inner / self.heads]);
                norm.forward(heads).reshape([tokens, inner])
            }
            None => q,
        };
        let media = media.each();
        let group = |(queries, medium): &(Range<usize>, usize)| QueryGroup {
            queries: queries.clone(),
            seen: vec![media[*medium].block(block)],
            order: Order::All,
        };
        let groups: Vec<QueryGroup<'_>> = runs.iter().map(group).collect();
        let heads = Heads {
            queries: self.heads,
            keys: self.heads,
            scale: ((inner / self.heads) as f64).powf(-0.5),
            slopes: None,
        };
        attend(q, &groups, &heads)
    }

    /// Queries are gathered by medium into `[G, width]`, meet that medium's latents, and are
    /// scattered back; what sees nothing reads a row of zeros.
    fn look_at_one(
        &self,
        q: Tensor<2>,
        (k, v): (Tensor<3>, Tensor<3>),
        [gather, scatter, media]: [&Tensor<1, flamingo_kernels::Int>; 3],
        width: usize,
    ) -> Tensor<2> {
        let [groups] = media.dims();
        let [_, inner] = q.dims();
        let q = q.select(0, gather.clone()).reshape([groups, width, inner]);
        let looked = self.attend(
            q,
            k.select(0, media.clone()),
            v.select(0, media.clone()),
            None,
        );
        let looked = looked.reshape([groups * width, inner]);
        let zero = Tensor::zeros([1, inner], (&looked.device(), looked.dtype()));
        Tensor::cat(vec![looked, zero], 0).select(0, scatter.clone())
    }

    /// All queries meet all latents; `bias` hides media from tokens.
    fn look_at_many(
        &self,
        q: Tensor<2>,
        (k, v): (Tensor<3>, Tensor<3>),
        bias: Tensor<2>,
    ) -> Tensor<2> {
        let [tokens, inner] = q.dims();
        let [m, r, _] = k.dims();
        let join = |x: Tensor<3>| x.reshape([1, m * r, inner]);
        let bias = bias.reshape([tokens, m, 1]).expand([tokens, m, r]);
        let bias = bias.reshape([1, 1, tokens, m * r]);
        let looked = self.attend(q.reshape([1, tokens, inner]), join(k), join(v), Some(bias));
        looked.reshape([tokens, inner])
    }

    fn attend(
        &self,
        q: Tensor<3>,
        k: Tensor<3>,
        v: Tensor<3>,
        bias: Option<Tensor<4>>,
    ) -> Tensor<3> {
        let q = of_heads(split_heads(q, self.heads), &self.norm_q);
        let (k, v) = (split_heads(k, self.heads), split_heads(v, self.heads));
        let scale = (q.dims()[3] as f64).powf(-0.5);
        merge_heads(attention(q, k, v, bias, scale))
    }

    /// Where tokens look: the attention's weights, a row per head.
    ///
    /// # Shapes
    /// - `y`: `[L, D]`, the stream before this block
    /// - `keys`: as of [`GatedCrossAttention::keys_values`] of one medium, `[R, H * Dh]`
    /// - output: `[H, L, R]`
    pub fn weights(&self, y: Tensor<2>, keys: Tensor<2>) -> Tensor<3> {
        let keys = split_heads(keys.unsqueeze::<3>(), self.heads).squeeze_dim::<3>(0);
        let q = self.q.forward(self.norm.forward(y)).unsqueeze::<3>();
        let q = of_heads(split_heads(q, self.heads), &self.norm_q).squeeze_dim::<3>(0); // [H, L, Dh]
        let scale = (q.dims()[2] as f64).powf(-0.5);
        flamingo_kernels::burn::tensor::activation::softmax((q * scale).matmul(keys.transpose()), 2)
    }
}

fn of_heads(x: Tensor<4>, norm: &Option<Norm>) -> Tensor<4> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use flamingo_kernels::Device;

    const D: usize = 6;

    fn block(open: bool) -> GatedCrossAttention {
        let config = GatedConfig {
            heads: 3,
            head_dim: 5,
            ffw_multiple: 2,
            ..GatedConfig::paper(1, 3)
        };
        let mut init = Init::new(4, &Device::flex());
        let mut block = GatedCrossAttention::new(&config, D, 7, &mut init);
        if open {
            block.alpha_xattn = init.full([1], 0.7);
            block.alpha_dense = init.full([1], -0.3);
        }
        assert_eq!(config.parameters(D, 7), block.num_params() as u64);
        block
    }

    fn random<const N: usize>(shape: [usize; N], seed: u64) -> Tensor<N> {
        Init::new(seed, &Device::flex()).normal(shape, 1.0).val()
    }

    fn run(block: &GatedCrossAttention, latents: Tensor<3>, sees: &[Range<usize>]) -> Tensor<3> {
        let media = latents.dims()[0];
        let looking = Looking::new(sees, media, &Device::flex());
        let y = random([1, sees.len(), D], 11);
        let media = Media::Joint(vec![block.keys_values(latents)]);
        block.forward(y, &media, 0, &looking)
    }

    fn distance(a: Tensor<2>, b: Tensor<2>) -> f32 {
        (a - b).abs().max().into_scalar()
    }

    #[test]
    fn a_closed_block_changes_nothing_bit_for_bit() {
        let sees = [0..0, 0..1, 0..1, 1..2, 1..2];
        let y = random::<3>([1, 5, D], 11);
        assert_eq!(
            run(&block(false), random([2, 3, 7], 2), &sees).into_data(),
            y.into_data()
        );
    }

    #[test]
    fn an_image_that_a_token_may_not_see_does_not_move_it() {
        let (block, sees) = (block(true), [0..0, 0..1, 0..1, 1..2, 1..2]);
        let latents = random::<3>([2, 3, 7], 2);
        let changed = Tensor::cat(
            vec![latents.clone().narrow(0, 0, 1), random([1, 3, 7], 5)],
            0,
        );
        let before = run(&block, latents, &sees).squeeze_dim::<2>(0);
        let after = run(&block, changed, &sees).squeeze_dim::<2>(0);
        assert_eq!(
            before.clone().narrow(0, 0, 3).into_data(),
            after.clone().narrow(0, 0, 3).into_data()
        );
        assert!(distance(before.narrow(0, 3, 2), after.narrow(0, 3, 2)) > 1e-4);
    }

    #[test]
    fn a_token_before_any_image_gets_zero_cross_attention_but_its_feed_forward() {
        let block = block(true);
        let with = run(&block, random([2, 3, 7], 2), &[0..0, 0..1]).narrow(1, 0, 1);
        let y = random::<3>([1, 2, D], 11).narrow(1, 0, 1);
        let without = block.forward(y, &Media::none(), 0, &Looking::Nowhere);
        assert!(distance(with.squeeze_dim(0), without.squeeze_dim(0)) < 1e-6);
    }

    #[test]
    fn blocks_stand_where_each_family_puts_them() {
        let points = |config: &GatedConfig, layers: usize| -> Vec<usize> {
            (0..=layers)
                .filter(|&point| config.stands_at(point, layers))
                .collect()
        };
        assert_eq!(points(&GatedConfig::paper(2, 3), 4), [0, 2]);
        assert_eq!(points(&GatedConfig::open_flamingo(2), 5), [1, 3]);
        let behind = GatedConfig {
            placement: Placement::After,
            ..GatedConfig::paper(3, 2)
        };
        assert_eq!(points(&behind, 4), [1, 4]);
        let listed = GatedConfig {
            layers: vec![1, 2, 4],
            ..GatedConfig::paper(1, 2)
        };
        assert_eq!(points(&listed, 7), [1, 2, 4]);
    }

    #[test]
    fn a_list_of_layers_that_are_not_there_or_not_rising_is_refused_with_both_numbers() {
        let told = |layers: &[usize], every| {
            let config = GatedConfig {
                layers: layers.to_vec(),
                ..GatedConfig::paper(every, 2)
            };
            config.check(5).err().unwrap_or_default()
        };
        assert_eq!(told(&[0, 3, 4], 1), "");
        let beyond = told(&[3, 5], 1);
        assert!(
            beyond.contains("has 5") && beyond.contains("is 5: the last layer is 4"),
            "{beyond}"
        );
        assert!(told(&[3, 3], 1).contains("3 before 3"));
        assert!(told(&[3], 2).contains("gated.every 2"));
        assert!(told(&[], 0).contains("gated.every is 0"));
    }

    #[test]
    fn every_variant_is_counted_as_it_is_built_and_closed_at_first() {
        let config = GatedConfig {
            heads: 3,
            head_dim: 5,
            gate: Gate::Vector,
            norm: NormKind::RmsNorm,
            query_key_norm: true,
            ffw_width: Some(11),
            gated_ffw: true,
            ..GatedConfig::paper(1, 3)
        };
        let block = GatedCrossAttention::new(&config, D, 7, &mut Init::new(4, &Device::flex()));
        assert_eq!(config.parameters(D, 7), block.num_params() as u64);
        let y = random::<3>([1, 2, D], 11);
        let after = run(&block, random([2, 3, 7], 2), &[0..1, 1..2]);
        assert_eq!(after.into_data(), y.into_data());
    }

    #[test]
    fn runs_and_gathering_by_image_equal_masking_all_images() {
        let block = block(true);
        let latents = random::<3>([3, 2, 7], 2);
        let sees = [0..0, 2..3, 0..1, 0..1, 1..2, 2..3, 2..3];
        let in_runs = run(&block, latents.clone(), &sees);
        let media = Media::Joint(vec![block.keys_values(latents)]);
        let y = || random([1, sees.len(), D], 11);
        let masked = Looking::many(&sees, 3, &Device::flex());
        let masked = block.forward(y(), &media, 0, &masked);
        let gathered = Looking::gathered(&sees, &Device::flex()).expect("one each");
        let gathered = block.forward(y(), &media, 0, &gathered);
        for other in [in_runs, gathered] {
            let masked = masked.clone().squeeze_dim(0);
            assert!(distance(other.squeeze_dim(0), masked) < 1e-5);
        }
    }
}
