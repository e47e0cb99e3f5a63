//! Where the tokens of a pass stand, and what that adds to the scores of attention.

use flamingo_kernels::burn::tensor::Device;
use flamingo_kernels::{Int, MASKED, Rotations, Tensor, TensorData, floats};

use super::config::{LanguageConfig, Positions};
use super::positions::{self, PADDED, Rotary};

/// What the positions of one pass add to scores; made once, used by every layer.
pub struct Places {
    pub(super) bias: Option<Tensor<4>>,
    pub(super) rotations: Option<Rotations>,
    pub(super) relative: Option<Distances>,
}

/// How far queries are from keys.
pub(super) struct Distances {
    pub(super) sinusoids: Tensor<2>,
    /// `[B, 1, Lq, Lk]`.
    pub(super) index: Tensor<4, Int>,
}

impl Places {
    /// # Arguments
    /// - `queries`: places of the tokens of this pass, a row each, `-1` for padding
    /// - `keys`: places of all tokens that there are keys of, cached ones first
    pub fn new(
        config: &LanguageConfig,
        queries: &[Vec<i64>],
        keys: &[Vec<i64>],
        device: &Device,
    ) -> Self {
        let slopes = match config.positions {
            Positions::Alibi { max, slopes } => {
                Some(positions::alibi_slopes(config.heads, max, slopes))
            }
            _ => None,
        };
        let rotations = Rotary::of(config).map(|r| positions::rotations(queries, r, device));
        let relative = matches!(config.positions, Positions::Relative)
            .then(|| Distances::new(queries, keys, config.width, device));
        let bias = positions::score_bias(queries, keys, slopes.as_deref(), device);
        Self {
            bias,
            rotations,
            relative,
        }
    }
}

impl Places {
    /// Of tokens at `own` places behind a text of `before`, each following the last, or `parents`.
    pub(super) fn behind(
        config: &LanguageConfig,
        before: usize,
        own: &[i64],
        parents: Option<&[Option<usize>]>,
        device: &Device,
    ) -> Self {
        let keys: Vec<i64> = (0..before as i64).chain(own.iter().copied()).collect();
        let mut places = Places::new(config, &[own.to_vec()], &[keys], device);
        if let Some(parents) = parents {
            places.hide_other_branches(parents, before + own.len(), device);
        }
        places
    }

    /// Hides from each token those of other branches of its row; `branches` as of
    /// [`TextInput`](super::TextInput), a row each, or none.
    pub(super) fn in_branches(mut self, branches: &[Vec<u32>], device: &Device) -> Self {
        if branches.is_empty() {
            return self;
        }
        let width = branches[0].len();
        let mut hidden = Vec::with_capacity(branches.len() * width * width);
        for row in branches {
            for own in row {
                let other = |key: &u32| if *key == 0 || key == own { 0.0 } else { MASKED };
                hidden.extend(row.iter().map(other));
            }
        }
        self.hide(floats(hidden, [branches.len(), 1, width, width], device));
        self
    }

    fn hide(&mut self, hidden: Tensor<4>) {
        self.bias = Some(match self.bias.take() {
            Some(bias) => bias + hidden,
            None => hidden,
        });
    }

    /// Hides from query `i` the keys of those of the last tokens that are not among its `ancestors`.
    fn hide_other_branches(&mut self, parents: &[Option<usize>], keys: usize, device: &Device) {
        let (queries, before) = (parents.len(), keys - parents.len());
        let mut hidden = vec![MASKED; queries * keys];
        for query in 0..queries {
            let row = &mut hidden[query * keys..][..keys];
            row[..before].fill(0.0);
            let mut at = Some(query);
            while let Some(token) = at {
                row[before + token] = 0.0;
                at = parents[token];
            }
        }
        self.hide(floats(hidden, [1, 1, queries, keys], device));
    }
}

impl Distances {
    fn new(queries: &[Vec<i64>], keys: &[Vec<i64>], width: usize, device: &Device) -> Self {
        let mut index = Vec::new();
        for (queries, keys) in queries.iter().zip(keys) {
            for &q in queries {
                let distance = |&k: &i64| {
                    if k == PADDED {
                        0
                    } else {
                        (q - k).max(0) as i32
                    }
                };
                index.extend(keys.iter().map(distance));
            }
        }
        let farthest = index.iter().copied().max().unwrap_or(0) as usize;
        let shape = [queries.len(), 1, queries[0].len(), keys[0].len()];
        Self {
            sinusoids: positions::sinusoids(farthest + 1, width, device),
            index: Tensor::from_data(TensorData::new(index, shape), device),
        }
    }
}
