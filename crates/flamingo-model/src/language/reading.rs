//! A pass over tokens that follow texts already read: of several texts, side by side, no padding.

use std::ops::Range;
use std::sync::Arc;

use flamingo_kernels::{KeysValues, Order, QueryGroup, Rotations, Tensor, burn::tensor::Device};

use super::cache::{Chunk, TextCache};
use super::config::{LanguageConfig, Positions};
use super::places::Places;
use super::positions::{self, Rotary};

/// Tokens to be read behind a text.
#[derive(Debug)]
pub struct TextRow<'a> {
    /// Their ids, each following the one before it.
    pub ids: &'a [u32],
    /// What was read before; gets these tokens behind it.
    pub cache: &'a mut TextCache,
    /// Ways on from there, which are read along but not kept.
    pub branches: Branches<'a>,
}

/// A tree of tokens behind a text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Branches<'a> {
    /// Their ids.
    pub ids: &'a [u32],
    /// For each the token that it follows, one of those before it, or none if it follows the text.
    pub parents: &'a [Option<usize>],
}

impl<'a> TextRow<'a> {
    /// Tokens without branches.
    pub fn new(ids: &'a [u32], cache: &'a mut TextCache) -> Self {
        let branches = Branches::default();
        Self {
            ids,
            cache,
            branches,
        }
    }

    /// All tokens of the row, the branches last.
    pub(super) fn all_ids(&self) -> impl Iterator<Item = u32> {
        self.ids.iter().chain(self.branches.ids).copied()
    }

    /// The place of each token in its text.
    pub(super) fn positions(&self) -> [Vec<i64>; 2] {
        let start = self.cache.len() as i64;
        let end = start + self.ids.len() as i64;
        let mut places: Vec<i64> = Vec::with_capacity(self.branches.ids.len());
        for parent in self.branches.parents {
            places.push(parent.map_or(end, |parent| places[parent] + 1));
        }
        [(start..end).collect(), places]
    }
}

/// Consecutive tokens of a pass that are of one text: its own, or its branches.
pub(super) struct Part<'a> {
    tokens: Range<usize>,
    /// None for a text's own.
    parents: Option<&'a [Option<usize>]>,
    /// Keys and values in the layers passed.
    new: Vec<KeysValues>,
    /// For positions that are relative.
    pub(super) places: Option<Places>,
}

/// One text of a pass.
pub(super) struct Row<'a> {
    cache: &'a mut TextCache,
    parts: [Part<'a>; 2],
}

impl Row<'_> {
    /// The row's queries and what they see in one layer, with their part.
    pub(super) fn groups(&self, layer: usize) -> impl Iterator<Item = (QueryGroup<'_>, &Part<'_>)> {
        let parts = self.parts.iter().enumerate();
        parts
            .filter(|(_, part)| !part.tokens.is_empty())
            .map(move |(number, part)| {
                let before = self.parts[..number].iter().filter(|p| !p.tokens.is_empty());
                let new = before.chain([part]).map(|part| &part.new[layer]);
                let group = QueryGroup {
                    queries: part.tokens.clone(),
                    seen: self.cache.layer(layer).chain(new).collect(),
                    order: part.parents.map_or(Order::Causal, Order::Tree),
                };
                (group, part)
            })
    }
}

/// The state of a pass.
pub(super) struct Reading<'a> {
    pub(super) rows: Vec<Row<'a>>,
    pub(super) rotations: Option<Rotations>,
    pub(super) slopes: Option<Vec<f32>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        config: &LanguageConfig,
        rows: &'a mut [TextRow<'_>],
        positions: &[[Vec<i64>; 2]],
        device: &Device,
    ) -> Self {
        let all: Vec<i64> = positions.iter().flatten().flatten().copied().collect();
        let rotations = Rotary::of(config).map(|r| positions::rotations(&[all], r, device));
        let slopes = match config.positions {
            Positions::Alibi { max, slopes } => {
                Some(positions::alibi_slopes(config.heads, max, slopes))
            }
            _ => None,
        };
        let mut end = 0;
        let rows = rows.iter_mut().zip(positions).map(|(row, positions)| {
            let read = row.cache.len();
            let parents = [None, Some(row.branches.parents)];
            let parts = [0, 1].map(|number| {
                let own = &positions[number];
                let tokens = end..end + own.len();
                end = tokens.end;
                let relative = config.positions == Positions::Relative && !own.is_empty();
                let before = match number {
                    0 => read,
                    _ => read + positions[0].len(),
                };
                let places =
                    relative.then(|| Places::behind(config, before, own, parents[number], device));
                Part {
                    tokens,
                    parents: parents[number],
                    new: Vec::with_capacity(config.layers),
                    places,
                }
            });
            Row {
                cache: &mut *row.cache,
                parts,
            }
        });
        Self {
            rows: rows.collect(),
            rotations,
            slopes,
        }
    }

    /// Takes in keys and values of all tokens in the next layer; returns the layer's number.
    ///
    /// # Shapes
    /// - `keys`, `values`: `[L, H * Dh]`
    pub(super) fn add(&mut self, keys: Tensor<2>, values: Tensor<2>) -> usize {
        let mut layer = 0;
        let parts = self.rows.iter_mut().flat_map(|row| &mut row.parts);
        for part in parts.filter(|part| !part.tokens.is_empty()) {
            layer = part.new.len();
            let cut = |x: &Tensor<2>| x.clone().narrow(0, part.tokens.start, part.tokens.len());
            part.new.push(KeysValues::new(cut(&keys), cut(&values)));
        }
        layer
    }

    /// Puts what was read behind each text; branches are forgotten.
    pub(super) fn finish(self) {
        for row in self.rows {
            let [own, _] = row.parts;
            if !own.tokens.is_empty() {
                row.cache.push(Arc::new(Chunk::new(own.new)));
            }
        }
    }
}
