//! A pass over tokens that follow texts already read: of several texts, side by side, no padding.

use std::ops::Range;
use std::sync::Arc;

use flamingo_kernels::{KeysValues, Order, QueryGroup, Tensor, burn::tensor::Device};

use super::attention::Places;
use super::cache::{Chunk, TextCache};
use super::config::{LanguageConfig, Positions};
use super::positions;

/// Tokens to be read behind a text.
#[derive(Debug)]
pub struct TextRow<'a> {
    /// Their ids.
    pub ids: &'a [u32],
    /// What was read before; gets these tokens behind it.
    pub cache: &'a mut TextCache,
    /// If the tokens branch: the token that each one follows, one of those before it, or none if it
    /// follows the text. Else each follows the one before it.
    pub parents: Option<&'a [Option<usize>]>,
}

impl TextRow<'_> {
    /// The place of each token in its text.
    pub(super) fn positions(&self) -> Vec<i64> {
        let start = self.cache.len() as i64;
        let mut depths: Vec<i64> = Vec::with_capacity(self.ids.len());
        for token in 0..self.ids.len() {
            let depth = match self.parents {
                None => token as i64,
                Some(parents) => parents[token].map_or(0, |parent| depths[parent] + 1),
            };
            depths.push(depth);
        }
        depths.into_iter().map(|depth| start + depth).collect()
    }
}

/// One text of a pass.
pub(super) struct Row<'a> {
    tokens: Range<usize>,
    cache: &'a mut TextCache,
    parents: Option<&'a [Option<usize>]>,
    /// Keys and values of the new tokens in the layers passed.
    new: Vec<KeysValues>,
    /// For positions that are relative.
    pub(super) places: Option<Places>,
}

impl Row<'_> {
    /// The row's queries and what they see in one layer.
    pub(super) fn group(&self, layer: usize) -> QueryGroup<'_> {
        QueryGroup {
            queries: self.tokens.clone(),
            seen: self.cache.layer(layer).chain(self.new.get(layer)).collect(),
            order: match self.parents {
                None => Order::Causal,
                Some(parents) => Order::Tree(parents),
            },
        }
    }
}

/// The state of a pass.
pub(super) struct Reading<'a> {
    pub(super) rows: Vec<Row<'a>>,
    pub(super) rotations: Option<(Tensor<4>, Tensor<4>)>,
    pub(super) slopes: Option<Vec<f32>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        config: &LanguageConfig,
        rows: &'a mut [TextRow<'_>],
        positions: &[Vec<i64>],
        device: &Device,
    ) -> Self {
        let all: Vec<i64> = positions.iter().flatten().copied().collect();
        let rotations = match config.positions {
            Positions::Rotary { fraction, base } => {
                let rotated = config.rotated(fraction);
                Some(positions::rotations(&[all], rotated, base, device))
            }
            _ => None,
        };
        let slopes = match config.positions {
            Positions::Alibi { max, slopes } => {
                Some(positions::alibi_slopes(config.heads, max, slopes))
            }
            _ => None,
        };
        let mut end = 0;
        let rows = rows.iter_mut().zip(positions).map(|(row, positions)| {
            let start = end;
            end += row.ids.len();
            let places = (config.positions == Positions::Relative).then(|| {
                let read = 0..row.cache.len() as i64;
                let keys: Vec<i64> = read.chain(positions.iter().copied()).collect();
                let mut places = Places::new(
                    config,
                    std::slice::from_ref(positions),
                    std::slice::from_ref(&keys),
                    device,
                );
                if let Some(parents) = row.parents {
                    places.hide_other_branches(parents, keys.len(), device);
                }
                places
            });
            Row {
                tokens: start..end,
                cache: &mut *row.cache,
                parents: row.parents,
                new: Vec::with_capacity(config.layers),
                places,
            }
        });
        Self {
            rows: rows.collect(),
            rotations,
            slopes,
        }
    }

    /// Takes in keys and values of all rows in the next layer; returns the layer's number.
    ///
    /// # Shapes
    /// - `keys`, `values`: `[L, H * Dh]`
    pub(super) fn add(&mut self, keys: Tensor<2>, values: Tensor<2>) -> usize {
        let mut layer = 0;
        for row in &mut self.rows {
            let cut = |x: &Tensor<2>| x.clone().narrow(0, row.tokens.start, row.tokens.len());
            layer = row.new.len();
            row.new.push(KeysValues {
                keys: cut(&keys),
                values: cut(&values),
            });
        }
        layer
    }

    /// Puts what was read behind each text.
    pub(super) fn finish(self) {
        for row in self.rows {
            row.cache.push(Arc::new(Chunk::new(row.new)));
        }
    }
}
