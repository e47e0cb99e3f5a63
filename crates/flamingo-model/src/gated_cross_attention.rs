//! GATED XATTN-DENSE (paper, 2.2): a block put before a frozen language-model layer that lets the
//! text look at the latents, behind gates that start closed.
//!
//! `y += tanh(alpha_xattn) * cross_attention(y, latents)`; `y += tanh(alpha_dense) * ffw(y)`. Both
//! alphas start at 0, so at first the model is the frozen language model, bit for bit. A token that
//! sees no medium gets nothing from the attention; the feed-forward applies to every token.

use flamingo_kernels::{
    Activation, Init, Linear, Module, Norm, NormKind, Param, Tensor, attention, merge_heads,
    split_heads,
};
use serde::{Deserialize, Serialize};

use crate::Looking;

/// Sizes of the gated blocks, and the layers that they stand before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatedConfig {
    /// A block before every n-th language-model layer.
    pub every: usize,
    /// The first layer that has one (0 in the paper; `every - 1` in OpenFlamingo).
    pub first: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Hidden width of the feed-forward, as a multiple of the text width.
    pub ffw_multiple: usize,
    /// Activation of the feed-forward.
    pub activation: Activation,
}

impl GatedConfig {
    /// The paper's block over `heads` heads of 128, before every `every`-th layer.
    pub fn paper(every: usize, heads: usize) -> Self {
        let activation = Activation::SquaredRelu;
        Self {
            every,
            first: 0,
            heads,
            head_dim: 128,
            ffw_multiple: 4,
            activation,
        }
    }

    /// Whether layer `layer` of the language model has a block before it.
    pub fn stands_before(&self, layer: usize) -> bool {
        layer >= self.first && (layer - self.first).is_multiple_of(self.every)
    }

    /// Parameters of one block between text of width `d` and latents of width `media_width`.
    pub fn parameters(&self, d: usize, media_width: usize) -> u64 {
        let inner = self.heads * self.head_dim;
        (2 * d * inner + 2 * media_width * inner + 2 * self.ffw_multiple * d * d + 4 * d + 2) as u64
    }

    /// Operations (2 a multiply-add) of one block for one token that looks at `latents` latents,
    /// their keys and values being there.
    pub fn flops_per_token(&self, d: usize, latents: usize) -> u64 {
        let inner = self.heads * self.head_dim;
        (4 * d * inner + 4 * latents * inner + 4 * self.ffw_multiple * d * d) as u64
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
    /// Gate of the attention, `[1]`.
    pub alpha_xattn: Param<Tensor<1>>,
    /// Before the feed-forward.
    pub norm_dense: Norm,
    /// Into the feed-forward.
    pub dense_in: Linear,
    /// Out of it.
    pub dense_out: Linear,
    /// Gate of the feed-forward, `[1]`.
    pub alpha_dense: Param<Tensor<1>>,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    activation: Activation,
}

impl GatedCrossAttention {
    /// A closed block between text of width `d` and latents of width `media_width`.
    pub fn new(config: &GatedConfig, d: usize, media_width: usize, init: &mut Init) -> Self {
        let inner = config.heads * config.head_dim;
        Self {
            norm: Norm::new(NormKind::LayerNorm, d, 1e-5, init),
            q: Linear::new(d, inner, false, init),
            k: Linear::new(media_width, inner, false, init),
            v: Linear::new(media_width, inner, false, init),
            out: Linear::new(inner, d, false, init),
            alpha_xattn: init.full([1], 0.0),
            norm_dense: Norm::new(NormKind::LayerNorm, d, 1e-5, init),
            dense_in: Linear::new(d, config.ffw_multiple * d, false, init),
            dense_out: Linear::new(config.ffw_multiple * d, d, false, init),
            alpha_dense: init.full([1], 0.0),
            heads: config.heads,
            activation: config.activation,
        }
    }

    /// Keys and values of latents: computed once per image, whatever is asked of it later.
    ///
    /// # Shapes
    /// - `latents`: `[M, R, media_width]`
    /// - output: twice `[M, H, R, Dh]`
    pub fn keys_values(&self, latents: Tensor<3>) -> (Tensor<4>, Tensor<4>) {
        let k = split_heads(self.k.forward(latents.clone()), self.heads);
        (k, split_heads(self.v.forward(latents), self.heads))
    }

    /// # Shapes
    /// - `y` and output: `[B, L, D]`
    /// - `keys_values`: as of [`GatedCrossAttention::keys_values`]; none if there are no media
    pub fn forward(
        &self,
        y: Tensor<3>,
        keys_values: Option<&(Tensor<4>, Tensor<4>)>,
        looking: &Looking,
    ) -> Tensor<3> {
        let mut y = y;
        if let Some((k, v)) = keys_values
            && let Some(looked) = self.look(y.clone(), k.clone(), v.clone(), looking)
        {
            y = y + looked * self.alpha_xattn.val().tanh().reshape([1, 1, 1]);
        }
        let hidden = self
            .activation
            .apply(self.dense_in.forward(self.norm_dense.forward(y.clone())));
        y + self.dense_out.forward(hidden) * self.alpha_dense.val().tanh().reshape([1, 1, 1])
    }

    /// The attention before its gate, `[B, L, D]`; none if no token sees anything.
    fn look(
        &self,
        y: Tensor<3>,
        k: Tensor<4>,
        v: Tensor<4>,
        looking: &Looking,
    ) -> Option<Tensor<3>> {
        let [b, l, d] = y.dims();
        if matches!(looking, Looking::Nowhere) {
            return None;
        }
        let q = self.q.forward(self.norm.forward(y).reshape([b * l, d])); // [B * L, H * Dh]
        let looked = match looking {
            Looking::Nowhere => return None,
            Looking::One {
                gather,
                scatter,
                media,
                width,
            } => self.look_at_one(q, k, v, [gather, scatter, media], *width),
            Looking::Many { bias, sees_any } => {
                self.look_at_many(q, k, v, bias.clone()) * sees_any.clone()
            }
        };
        Some(self.out.forward(looked).reshape([b, l, d]))
    }

    /// Queries are gathered by medium into `[G, width]`, meet that medium's latents, and are
    /// scattered back; what sees nothing reads a row of zeros.
    fn look_at_one(
        &self,
        q: Tensor<2>,
        k: Tensor<4>,
        v: Tensor<4>,
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
    fn look_at_many(&self, q: Tensor<2>, k: Tensor<4>, v: Tensor<4>, bias: Tensor<2>) -> Tensor<2> {
        let [tokens, inner] = q.dims();
        let [m, h, r, dh] = k.dims();
        let join = |x: Tensor<4>| x.swap_dims(0, 1).reshape([1, h, m * r, dh]);
        let bias = bias.reshape([tokens, m, 1]).expand([tokens, m, r]);
        let bias = bias.reshape([1, 1, tokens, m * r]).cast(q.dtype());
        let looked = self.attend(q.reshape([1, tokens, inner]), join(k), join(v), Some(bias));
        looked.reshape([tokens, inner])
    }

    fn attend(
        &self,
        q: Tensor<3>,
        k: Tensor<4>,
        v: Tensor<4>,
        bias: Option<Tensor<4>>,
    ) -> Tensor<3> {
        let q = split_heads(q, self.heads);
        let scale = (q.dims()[3] as f64).powf(-0.5);
        merge_heads(attention(q, k, v, bias, scale))
    }

    /// Where tokens look: the attention's weights, a row per head.
    ///
    /// # Shapes
    /// - `y`: `[L, D]`, the stream before this block
    /// - `keys`: `[R, media_width]` projected, that is `[H, R, Dh]`
    /// - output: `[H, L, R]`
    pub fn weights(&self, y: Tensor<2>, keys: Tensor<3>) -> Tensor<3> {
        let q = self.q.forward(self.norm.forward(y)).unsqueeze::<3>();
        let q = split_heads(q, self.heads).squeeze_dim::<3>(0); // [H, L, Dh]
        let scale = (q.dims()[2] as f64).powf(-0.5);
        flamingo_kernels::burn::tensor::activation::softmax((q * scale).matmul(keys.transpose()), 2)
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
        block.forward(y, Some(&block.keys_values(latents)), &looking)
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
        let without = block.forward(y, None, &Looking::Nowhere);
        assert!(distance(with.squeeze_dim(0), without.squeeze_dim(0)) < 1e-6);
    }

    #[test]
    fn gathering_by_image_equals_masking_all_images() {
        let block = block(true);
        let latents = random::<3>([3, 2, 7], 2);
        let sees = [0..0, 2..3, 0..1, 0..1, 1..2, 2..3, 2..3];
        let grouped = run(&block, latents.clone(), &sees);
        let masked = Looking::many(&sees, 3, &Device::flex());
        let y = random([1, sees.len(), D], 11);
        let masked = block.forward(y, Some(&block.keys_values(latents)), &masked);
        assert!(distance(grouped.squeeze_dim(0), masked.squeeze_dim(0)) < 1e-5);
    }
}
