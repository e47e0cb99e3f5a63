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
    /// Each token's query meets the latents of the media that it sees (in the paper's way of one) and
    /// no others: stretches of tokens that see the same ones, and which; on the processor.
    Runs(Vec<(Range<usize>, Range<usize>)>),
    /// The same for tokens that see at most one medium where gradients are wanted, and on other
    /// devices: tokens are gathered by medium, so that the work is `L * R`, not `L * M * R`.
    One {
        /// Flat token indices by group, `[G * width]`.
        gather: Tensor<1, Int>,
        /// For each token its place in the groups, or the zero row behind them, `[B * L]`.
        scatter: Tensor<1, Int>,
        /// The medium of each group, `[G]`.
        media: Tensor<1, Int>,
        /// Tokens of a group.
        width: usize,
        /// The tokens that see anything, rising.
        seeing: Vec<usize>,
    },
    /// Tokens see several media: scores over all of them, hidden where a token may not look.
    Many {
        /// 0 or [`MASKED`] for each token and medium, `[B * L, M]`.
        bias: Tensor<2>,
        /// 1 where a token sees anything, else 0, `[B * L, 1]`.
        sees_any: Tensor<2>,
        /// The tokens that see anything, rising.
        seeing: Vec<usize>,
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
        if in_runs(device) {
            return Looking::Runs(runs(sees));
        }
        Self::gathered(sees, device).unwrap_or_else(|| Self::many(sees, media, device))
    }

    /// The tokens that see anything, rising.
    pub(crate) fn seeing(&self) -> Vec<usize> {
        match self {
            Looking::Nowhere => Vec::new(),
            Looking::Runs(runs) => runs.iter().flat_map(|(tokens, _)| tokens.clone()).collect(),
            Looking::One { seeing, .. } | Looking::Many { seeing, .. } => seeing.clone(),
        }
    }

    /// None if a token sees several media.
    pub(crate) fn gathered(sees: &[Range<usize>], device: &Device) -> Option<Self> {
        Segments::new(sees).map(|segments| Looking::One {
            gather: indices(segments.gather, device),
            scatter: indices(segments.scatter, device),
            media: indices(segments.media, device),
            width: segments.width,
            seeing: seeing(sees),
        })
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
            seeing: seeing(sees),
        }
    }
}

/// Whether tokens on `device` meet media one by one: on the processor, unless a gradient is wanted.
pub(crate) fn in_runs(device: &Device) -> bool {
    !device.is_autodiff() && *device == Device::flex()
}

fn runs(sees: &[Range<usize>]) -> Vec<(Range<usize>, Range<usize>)> {
    let mut runs: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for (token, seen) in sees.iter().enumerate().filter(|(_, seen)| !seen.is_empty()) {
        match runs.last_mut() {
            Some((tokens, media)) if media == seen && tokens.end == token => {
                tokens.end += 1;
            }
            _ => runs.push((token..token + 1, seen.clone())),
        }
    }
    runs
}

fn seeing(sees: &[Range<usize>]) -> Vec<usize> {
    let tokens = sees.iter().enumerate();
    tokens
        .filter(|(_, seen)| !seen.is_empty())
        .map(|(token, _)| token)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_beside_each_other_that_see_the_same_media_are_one_run() {
        let sees = [0..0, 2..3, 2..3, 0..0, 2..3, 0..1, 0..1, 0..2];
        let runs = [(1..3, 2..3), (4..5, 2..3), (5..7, 0..1), (7..8, 0..2)];
        assert_eq!(super::runs(&sees), runs);
        assert_eq!(Looking::Runs(runs.to_vec()).seeing(), seeing(&sees));
        assert_eq!(seeing(&sees), [1, 2, 4, 5, 6, 7]);
    }
}
