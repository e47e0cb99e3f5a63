//! A quantised matrix, laid out for its products.

use std::fmt;

use rayon::prelude::*;

use super::block::Block;
use super::rows::check;
use super::tiles::{TILE, Tiles};
use super::{QuantKind, Unfit};
use crate::cpu::simd::InstructionSet;

/// A matrix of weights, `[d_output, d_input]`, in a few bits a number.
#[derive(Clone)]
pub struct QuantisedMatrix {
    kind: QuantKind,
    shape: [usize; 2],
    pub(super) tiles: Tiles,
}

impl fmt::Debug for QuantisedMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}", self.shape, self.kind)
    }
}

impl QuantisedMatrix {
    /// From rows of a file, laid out anew.
    ///
    /// # Errors
    /// If a row is no whole blocks, or there are more or fewer bytes.
    pub fn from_bytes(kind: QuantKind, shape: [usize; 2], bytes: &[u8]) -> Result<Self, Unfit> {
        let [d_output, d_input] = shape;
        if d_input == 0 || !d_input.is_multiple_of(kind.block()) {
            return Err(Unfit::Width { d_input, kind });
        }
        let row_bytes = kind.row_bytes(d_input);
        let (found, wanted) = (bytes.len(), d_output * row_bytes);
        if found != wanted {
            return Err(Unfit::Bytes {
                found,
                wanted,
                shape,
                kind,
            });
        }
        let blocks = d_input / kind.block();
        let mut tiles = Tiles::zeros(kind, d_output, d_input);
        tiles
            .split(kind, blocks)
            .into_par_iter()
            .zip(bytes.par_chunks(TILE * row_bytes))
            .for_each(|(mut tile, rows)| {
                for (i, bytes) in rows.chunks_exact(kind.block_bytes()).enumerate() {
                    let block = Block::read(kind, bytes);
                    tile.put(kind, i % blocks, i / blocks, &block);
                }
            });
        Ok(Self { kind, shape, tiles })
    }

    /// The nearest matrix to `values`, row-major.
    ///
    /// # Errors
    /// If a row is no whole blocks, or a number is infinite, none or above 65504.
    ///
    /// # Panics
    /// If there are more or fewer numbers than `shape` has.
    pub fn nearest(kind: QuantKind, shape: [usize; 2], values: &[f32]) -> Result<Self, Unfit> {
        let [d_output, d_input] = shape;
        check(kind, values, d_input)?;
        assert_eq!(values.len(), d_output * d_input, "numbers of {shape:?}");
        let (set, blocks) = (InstructionSet::best(), d_input / kind.block());
        let mut tiles = Tiles::zeros(kind, d_output, d_input);
        tiles
            .split(kind, blocks)
            .into_par_iter()
            .zip(values.par_chunks(TILE * d_input))
            .for_each(|(mut tile, rows)| {
                Block::nearest(set, kind, rows, |i, block| {
                    tile.put(kind, i % blocks, i / blocks, block);
                });
            });
        Ok(Self { kind, shape, tiles })
    }

    /// The format.
    pub fn kind(&self) -> QuantKind {
        self.kind
    }

    /// `[d_output, d_input]`.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.tiles.bytes()
    }

    /// The numbers that products are made with, row-major: the reference.
    pub fn dequantise(&self) -> Vec<f32> {
        let ([d_output, d_input], kind) = (self.shape, self.kind);
        let blocks = d_input / kind.block();
        let mut values = vec![0.0; d_output * d_input];
        let rows = values.par_chunks_exact_mut(d_input.max(1)).enumerate();
        rows.for_each(|(row, values)| {
            for (i, values) in values.chunks_exact_mut(kind.block()).enumerate() {
                let at = row / TILE * blocks + i;
                self.tiles.block(kind, at, row % TILE).numbers(kind, values);
            }
        });
        values
    }
}
