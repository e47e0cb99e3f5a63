//! GATED XATTN-DENSE (paper, 2.2): a block put before a frozen language-model layer that lets the
//! text look at the latents, behind gates that start closed.
//!
//! `y += tanh(alpha_xattn) * cross_attention(y, latents)`; `y += tanh(alpha_dense) * ffw(y)`. Both
//! alphas start at 0, so at first the model is the frozen language model, bit for bit. A token that
//! sees no medium gets nothing from the attention; the feed-forward applies to every token.
//!
//! The open models differ from the paper and each other in where the blocks stand, in their norms,
//! activations and gates, and in what becomes of tokens that see nothing: [`GatedConfig`] has them all,
//! and the paper's ablations (its table 3): no gates, attention alone inside of a layer (VANILLA XATTN),
//! and a stack of layers and blocks on top of the language model (GRAFTING).

mod config;

use std::ops::Range;

use flamingo_kernels::{
    Activation, Heads, Init, Linear, Module, Norm, Order, Param, QueryGroup, Tensor, add,
    add_gated, attend, attention, indices, merge_heads, repeat_heads, split_heads,
};

pub use config::{Gate, GatedConfig, Placement};

use crate::language::Layer;
use crate::media::JointMedia;
use crate::{Looking, Media};

/// One block.
#[derive(Module, Debug)]
pub struct GatedCrossAttention {
    /// What the text passes first, where blocks are stacked on top of the language model: a layer that is
    /// learnt with the block. The passes of [`crate::Flamingo`] take it, those here do not.
    pub text_layer: Option<Layer>,
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
    /// Gate of the attention, `[1]` or `[D]`, if it has one.
    pub alpha_xattn: Option<Param<Tensor<1>>>,
    /// Before the feed-forward, if there is one.
    pub norm_dense: Option<Norm>,
    /// Into the feed-forward.
    pub dense_in: Option<Linear>,
    /// What the activation is applied to, where it gates `dense_in`.
    pub dense_gate: Option<Linear>,
    /// Out of it.
    pub dense_out: Option<Linear>,
    /// Gate of the feed-forward, `[1]` or `[D]`, if it has one.
    pub alpha_dense: Option<Param<Tensor<1>>>,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    key_value_heads: usize,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    seeing_only: bool,
}

impl GatedCrossAttention {
    /// A closed block between text of width `d` and latents of width `media_width`, without a layer of
    /// text.
    pub fn new(config: &GatedConfig, d: usize, media_width: usize, init: &mut Init) -> Self {
        let (inner, hidden) = (config.heads * config.head_dim, config.hidden(d));
        let of_keys = config.of_keys() * config.head_dim;
        let norm = |width: usize, init: &mut Init| {
            Norm::new(config.norm, width, config.norm_epsilon, init)
        };
        let norm_of_heads =
            |init: &mut Init| config.query_key_norm.then(|| norm(config.head_dim, init));
        let closed = |init: &mut Init| match config.gate_width(d) {
            0 => None,
            width => Some(init.full([width], 0.0)),
        };
        let dense = |from: usize, to: usize, init: &mut Init| {
            config.dense.then(|| Linear::new(from, to, false, init))
        };
        Self {
            text_layer: None,
            norm: norm(d, init),
            q: Linear::new(d, inner, false, init),
            k: Linear::new(media_width, of_keys, false, init),
            v: Linear::new(media_width, of_keys, false, init),
            out: Linear::new(inner, d, false, init),
            norm_q: norm_of_heads(init),
            norm_k: norm_of_heads(init),
            alpha_xattn: closed(init),
            norm_dense: config.dense.then(|| norm(d, init)),
            dense_in: dense(d, hidden, init),
            dense_gate: match config.gated_ffw {
                true => dense(d, hidden, init),
                false => None,
            },
            dense_out: dense(hidden, d, init),
            alpha_dense: match config.dense {
                true => closed(init),
                false => None,
            },
            heads: config.heads,
            key_value_heads: config.of_keys(),
            activation: config.activation,
            seeing_only: config.seeing_only,
        }
    }

    /// Keys and values of latents: computed once per image, whatever is asked of it later.
    ///
    /// # Shapes
    /// - `latents`: `[M, R, media_width]`
    /// - output: twice `[M, R, H * Dh]`, `H` the heads of keys and values
    pub fn keys_values(&self, latents: Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        let k = self.k.forward(latents.clone());
        let k = match &self.norm_k {
            Some(norm) => merge_heads(norm.forward(split_heads(k, self.key_value_heads))),
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
        self.add(y, looked, looking)
    }

    /// The block's output from its input `y` and what its cross-attention gave, before the gate.
    ///
    /// # Shapes
    /// - all: `[B, L, D]`
    pub fn add(&self, y: Tensor<3>, looked: Option<Tensor<3>>, looking: &Looking) -> Tensor<3> {
        if self.seeing_only && looked.is_none() {
            return y;
        }
        let y = match looked {
            Some(looked) => add_behind(y, looked, &self.alpha_xattn),
            None => y,
        };
        let Some(dense) = self.dense() else {
            return y;
        };
        let [b, l, d] = y.dims();
        let rows = y.clone().reshape([b * l, d]);
        let added = match self.seeing_only {
            true => dense.of_some(rows, &looking.seeing()),
            false => dense.forward(rows),
        };
        add_behind(y, added.reshape([b, l, d]), &self.alpha_dense)
    }

    /// The feed-forward, if there is one.
    fn dense(&self) -> Option<Dense<'_>> {
        Some(Dense {
            norm: self.norm_dense.as_ref()?,
            input: self.dense_in.as_ref()?,
            gate: self.dense_gate.as_ref(),
            output: self.dense_out.as_ref()?,
            activation: self.activation,
        })
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
                ..
            } => self.look_at_one(q, media.joint(block), [gather, scatter, seen], *width),
            Looking::Many { bias, sees_any, .. } => {
                let sees_any = sees_any.clone().cast(q.dtype());
                self.look_at_many(q, media.joint(block), bias.clone()) * sees_any
            }
        };
        Some(self.out.forward(looked).reshape([b, l, d]))
    }

    /// Each stretch of queries meets its media's latents where they lie.
    fn look_in_runs(
        &self,
        q: Tensor<2>,
        media: &Media,
        block: usize,
        runs: &[(Range<usize>, Range<usize>)],
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
        let group = |(queries, seen): &(Range<usize>, Range<usize>)| QueryGroup {
            queries: queries.clone(),
            seen: media[seen.clone()].iter().map(|m| m.block(block)).collect(),
            order: Order::All,
        };
        let groups: Vec<QueryGroup<'_>> = runs.iter().map(group).collect();
        let heads = Heads {
            queries: self.heads,
            keys: self.key_value_heads,
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
        seen: JointMedia,
        [gather, scatter, media]: [&Tensor<1, flamingo_kernels::Int>; 3],
        width: usize,
    ) -> Tensor<2> {
        let [groups] = media.dims();
        let [_, inner] = q.dims();
        let q = q.select(0, gather.clone()).reshape([groups, width, inner]);
        let latents = seen.keys.dims()[1];
        let filling = seen.filling.map(|filling| {
            let of_groups = filling.select(0, media.clone());
            of_groups.reshape([groups, 1, 1, latents])
        });
        let (keys, values) = (seen.keys, seen.values);
        let looked = self.attend(
            q,
            keys.select(0, media.clone()),
            values.select(0, media.clone()),
            filling,
        );
        let looked = looked.reshape([groups * width, inner]);
        let zero = Tensor::zeros([1, inner], (&looked.device(), looked.dtype()));
        Tensor::cat(vec![looked, zero], 0).select(0, scatter.clone())
    }

    /// All queries meet all latents; `bias` hides media from tokens.
    fn look_at_many(&self, q: Tensor<2>, seen: JointMedia, bias: Tensor<2>) -> Tensor<2> {
        let [tokens, inner] = q.dims();
        let [m, r, of_keys] = seen.keys.dims();
        let join = |x: Tensor<3>| x.reshape([1, m * r, of_keys]);
        let bias = bias.reshape([tokens, m, 1]).expand([tokens, m, r]);
        let bias = match seen.filling {
            Some(filling) => bias + filling.reshape([1, m, r]),
            None => bias,
        };
        let bias = bias.reshape([1, 1, tokens, m * r]);
        let (keys, values) = (join(seen.keys), join(seen.values));
        let looked = self.attend(q.reshape([1, tokens, inner]), keys, values, Some(bias));
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
        let (k, v) = (self.shared(k), self.shared(v));
        let scale = (q.dims()[3] as f64).powf(-0.5);
        merge_heads(attention(q, k, v, bias, scale))
    }

    /// Heads of keys or values, each as often as heads of queries share it.
    fn shared(&self, x: Tensor<3>) -> Tensor<4> {
        let share = self.heads / self.key_value_heads;
        repeat_heads(split_heads(x, self.key_value_heads), share)
    }

    /// Where tokens look: the attention's weights, a row per head.
    ///
    /// # Shapes
    /// - `y`: `[L, D]`, the stream before this block
    /// - `keys`: as of [`GatedCrossAttention::keys_values`] of one medium, `[R, H * Dh]`
    /// - output: `[H, L, R]`
    pub fn weights(&self, y: Tensor<2>, keys: Tensor<2>) -> Tensor<3> {
        let keys = self.shared(keys.unsqueeze::<3>()).squeeze_dim::<3>(0);
        let q = self.q.forward(self.norm.forward(y)).unsqueeze::<3>();
        let q = of_heads(split_heads(q, self.heads), &self.norm_q).squeeze_dim::<3>(0); // [H, L, Dh]
        let scale = (q.dims()[2] as f64).powf(-0.5);
        flamingo_kernels::burn::tensor::activation::softmax((q * scale).matmul(keys.transpose()), 2)
    }
}

/// The feed-forward of a block, before its gate.
struct Dense<'a> {
    norm: &'a Norm,
    input: &'a Linear,
    gate: Option<&'a Linear>,
    output: &'a Linear,
    activation: Activation,
}

impl Dense<'_> {
    /// Of some of the rows, rising; zeros for the others.
    fn of_some(&self, rows: Tensor<2>, some: &[usize]) -> Tensor<2> {
        let ([all, d], device) = (rows.dims(), rows.device());
        if some.len() == all {
            return self.forward(rows);
        }
        let chosen = rows.select(0, indices(some.iter().copied(), &device));
        let added = self.forward(chosen);
        let mut places = vec![some.len(); all];
        for (place, row) in some.iter().enumerate() {
            places[*row] = place;
        }
        let zero = Tensor::zeros([1, d], (&device, added.dtype()));
        Tensor::cat(vec![added, zero], 0).select(0, indices(places, &device))
    }

    /// Of all rows, `[n, D]`.
    fn forward(&self, rows: Tensor<2>) -> Tensor<2> {
        let normed = self.norm.forward(rows);
        let hidden = match self.gate {
            Some(gate) => {
                let input = self.input.forward(normed.clone());
                gate.activated(normed, self.activation) * input
            }
            None => self.input.activated(normed, self.activation),
        };
        self.output.forward(hidden)
    }
}

/// `y + tanh(alpha) * more`, or `y + more` where there is no gate.
fn add_behind(y: Tensor<3>, more: Tensor<3>, alpha: &Option<Param<Tensor<1>>>) -> Tensor<3> {
    match alpha {
        Some(alpha) => add_gated(y, more, alpha.val().tanh()),
        None => add(y, more),
    }
}

fn of_heads(x: Tensor<4>, norm: &Option<Norm>) -> Tensor<4> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

#[cfg(test)]
mod tests;
