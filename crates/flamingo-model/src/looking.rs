//! Which latents a batch's tokens look at, as tensors: made once per pass, used by every gated
//! layer.

use std::ops::Range;

use flamingo_kernels::{Device, Int, MASKED, Tensor, floats, indices};
use flamingo_sequence::Segments;

/// How the queries of a batch meet the latents of its media.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // there is one in a pass
pub enum Looking {
    /// No token sees anything: the attention's output is zero.
    Nowhere,
    /// Each token sees at most one medium (the paper's way): its query meets only those latents.
    /// Tokens are grouped by medium, so that the work is `L * R`, not `L * M * R`.
    One {
        /// Flat token indices by group, `[G * width]`.
        gather: Tensor<1, Int>,
        /// For each token its place in the groups, or the zero row behind them, `[B * L]`.
        scatter: Tensor<1, Int>,
        /// The medium of each group, `[G]`.
        media: Tensor<1, Int>,
        /// Tokens of a group.
        width: usize,
    },
    /// Tokens see several media (the ablation "all previous images"): scores over all of them,
    /// hidden where a token may not look.
    Many {
        /// 0 or [`MASKED`] for each token and medium, `[B * L, M]`.
        bias: Tensor<2>,
        /// 1 where a token sees anything, else 0, `[B * L, 1]`.
        sees_any: Tensor<2>,
    },
}

impl Looking {
    /// The plan for tokens (flat over the batch) that see these ranges of `media` media.
    ///
    /// # Panics
    /// If a range reaches beyond `media`.
    pub fn new(sees: &[Range<usize>], media: usize, device: &Device) -> Self {
        let last = sees
            .iter()
            .filter(|range| !range.is_empty())
            .map(|range| range.end)
            .max();
        let Some(last) = last else {
            return Looking::Nowhere;
        };
        assert!(last <= media, "a token sees medium {last} of {media}");
        match Segments::new(sees) {
            Some(segments) => Looking::One {
                gather: indices(segments.gather, device),
                scatter: indices(segments.scatter, device),
                media: indices(segments.media, device),
                width: segments.width,
            },
            None => Self::many(sees, media, device),
        }
    }

    pub(crate) fn many(sees: &[Range<usize>], media: usize, device: &Device) -> Self {
        let bias = sees
            .iter()
            .flat_map(|range| (0..media).map(|m| if range.contains(&m) { 0.0 } else { MASKED }))
            .collect();
        let any = sees
            .iter()
            .map(|range| if range.is_empty() { 0.0 } else { 1.0 })
            .collect();
        Looking::Many {
            bias: floats(bias, [sees.len(), media], device),
            sees_any: floats(any, [sees.len(), 1], device),
        }
    }
}
