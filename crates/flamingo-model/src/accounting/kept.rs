//! Numbers that a training keeps for its backward pass, counted operation by operation: what is kept of a product are its
//! input if the weight learns, of an attention its queries, keys and values, of a normalisation or an activation its input.
//!
//! Everything here is a count of f32 numbers: the stream stays in f32 whatever precision the factors of products have.

use std::iter::Sum;
use std::ops::{Add, Mul};

use crate::language::{LanguageConfig, Positions, QueryKeyNorm, Residual};
use crate::{Gate, GatedConfig, PerceiverResamplerConfig, ResamplerKind};

/// Numbers kept of some work.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Kept {
    /// Where nothing is made again: at the end of the forward pass.
    pub(crate) whole: f64,
    /// Where what is cheap is made again: at the end of the forward pass, which holds what it might be made of.
    pub(crate) lean: f64,
    /// The same when the backward pass begins: it drops what nothing is made of, and makes the stream again, all of it.
    pub(crate) made_again: f64,
}

impl Kept {
    /// Kept in any case.
    pub(crate) fn always(numbers: f64) -> Self {
        Self {
            whole: numbers,
            lean: numbers,
            made_again: numbers,
        }
    }
}

impl Add for Kept {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            whole: self.whole + other.whole,
            lean: self.lean + other.lean,
            made_again: self.made_again + other.made_again,
        }
    }
}

impl Mul<f64> for Kept {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self {
            whole: self.whole * times,
            lean: self.lean * times,
            made_again: self.made_again * times,
        }
    }
}

impl Sum for Kept {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

fn count(condition: bool, numbers: f64) -> f64 {
    if condition { numbers } else { 0.0 }
}

/// Of a token in a layer of a language model that hands gradients on, in a text of `length` tokens; where it `learns`, also
/// the inputs of its products.
pub(crate) fn language_layer(config: &LanguageConfig, learns: bool, length: usize) -> Kept {
    let d = config.width as f64;
    let q = (config.heads * config.head_dim) as f64;
    let kv = (config.key_value_heads * config.head_dim) as f64;
    let f = config.ffw_width as f64;
    let grouped = config.heads != config.key_value_heads;
    let is_rotary = matches!(config.positions, Positions::Rotary { .. });
    let by_distance = config.positions == Positions::Relative;
    let one_norm = matches!(
        config.residual,
        Residual::Parallel | Residual::ParallelSharedNorm
    );
    let streams = if one_norm { d } else { 2.0 * d };
    let normed = match config.residual {
        Residual::ParallelSharedNorm | Residual::SequentialPostNorm => d,
        Residual::Sequential | Residual::Parallel => 2.0 * d,
    };
    // Each head of keys and values stands beside each of its queries.
    let seen = q + 2.0 * if grouped { q } else { kv };
    let before_norm = count(config.query_key_norm != QueryKeyNorm::None, q + kv);
    // The queries that meet distances are constants' factors; three rows of scores are kept of a softmax.
    let scores = (config.heads * length) as f64;
    let relative = count(by_distance, q + 3.0 * scores);
    let hidden = if config.gated_ffw { 3.0 * f } else { f };
    let attention = seen + before_norm + relative;
    let of_products = count(learns, normed + q + if config.gated_ffw { 0.0 } else { f });
    let lean_hidden = if config.gated_ffw { 2.0 * f } else { f };
    // Rotations are four products of half of the channels each, and what they are put together to.
    let turned = count(is_rotary, 2.0 * (q + kv));
    let projected = count(is_rotary || grouped || before_norm > 0.0, q + 2.0 * kv);
    Kept {
        whole: streams + attention + hidden + of_products,
        lean: normed + projected + turned + attention + q + 2.0 * d + lean_hidden,
        made_again: streams + attention + lean_hidden + count(learns, q),
    }
}

/// What the tokens of a micro-batch look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looked {
    /// Tokens, those that see nothing included.
    pub(crate) tokens: f64,
    /// Queries gathered by the medium that they see, each group filled up to the longest.
    pub(crate) gathered: f64,
    /// Latents of all media.
    pub(crate) latents: f64,
}

/// Of a gated block of text of width `d`, all of which learns. Its keys and values were made for all media at once.
pub(crate) fn gated_block(config: &GatedConfig, d: usize, looked: Looked) -> Kept {
    let Looked {
        tokens: n,
        gathered,
        latents,
    } = looked;
    let d = d as f64;
    let (q, kv) = (
        (config.heads * config.head_dim) as f64,
        (config.of_keys() * config.head_dim) as f64,
    );
    // Attention and feed-forward, or attention alone.
    let (f, parts) = match config.dense {
        true => (config.hidden(d as usize) as f64, 2.0),
        false => (0.0, 1.0),
    };
    let seen = 2.0 * latents * q;
    let has_norms = config.query_key_norm;
    let before_norm = count(has_norms, gathered * q + latents * kv);
    // What a gate lets through of each part is the gate's gradient.
    let gated = count(config.gate != Gate::Open, parts * n * d);
    let hidden = if config.gated_ffw { 4.0 * f } else { 2.0 * f };
    let lean_hidden = if config.gated_ffw { 2.0 * f } else { f };
    let streams = parts * n * d;
    let whole = 2.0 * streams + gathered * q + seen + before_norm + n * q + gated + n * hidden;
    let made = streams + n * q + 2.0 * latents * kv + n * lean_hidden;
    Kept {
        whole,
        lean: made + 2.0 * gathered * q,
        made_again: made + gathered * q + count(config.gate != Gate::Open, streams),
    }
}

/// Of a resampler over `media` media of `features` rows of features each, of width `visual_width`.
pub(crate) fn resampler(
    config: &PerceiverResamplerConfig,
    visual_width: usize,
    [media, features]: [f64; 2],
) -> Kept {
    let w = config.width as f64;
    let inner = (config.heads * config.head_dim) as f64;
    let f = config.ffw_multiple as f64 * w;
    let own = media * config.latents as f64;
    let all = own + media * features;
    let projected = config.width != visual_width;
    let input = media * features * (count(projected, visual_width as f64) + w);
    let ffw = Kept {
        whole: own * (2.0 * w + 2.0 * f),
        lean: own * (w + f),
        made_again: own * (w + f),
    };
    let of_heads = count(config.query_key_norm, 1.0);
    let layer = match config.kind {
        ResamplerKind::Mlp => ffw,
        // There all rows ask and change.
        kind => {
            let asks = match kind {
                ResamplerKind::Transformer => all,
                _ => own,
            };
            let seen = (1.0 + of_heads) * (asks + all) * inner + all * inner;
            let changed = ffw * (asks / own.max(1.0));
            let rest = Kept {
                whole: 2.0 * asks * w + all * w + seen + asks * inner,
                lean: asks * w + all * w + seen + asks * inner,
                made_again: asks * w + all * w + seen + asks * inner,
            };
            rest + changed
        }
    };
    let last = count(config.final_norm, own * w);
    layer * config.layers as f64 + Kept::always(input + last)
}
