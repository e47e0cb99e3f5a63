//! Weights in a few bits a number, and their products on a processor.
//!
//! The weights stay as they are: a product quantises its activations to 8 bits, 32 at a time, sums
//! products of small integers, and scales the sums. What is nearest in the file formats of GGUF
//! ([`QuantKind`]) is laid out anew for this ([`QuantisedMatrix`]); each output is the same sum in the
//! same order, whatever the processor, the number of threads, and the rows beside it.

mod activations;
mod block;
mod kind;
mod product;
mod simd;
mod tiles;

use std::fmt;

use rayon::prelude::*;

use block::Block;
pub use kind::QuantKind;
use product::Level;
use tiles::{TILE, Tiles};

/// Why a matrix stays as it is.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// Its rows are no whole blocks.
    #[error("its rows have {d_input} numbers, {kind} takes multiples of {}", kind.block())]
    Width {
        /// Numbers of a row.
        d_input: usize,
        /// The format asked for.
        kind: QuantKind,
    },
    /// It holds a number that is infinite, none, or larger than a half-precision scale can be.
    #[error("it holds {value}, a scale of {kind} goes up to 65504")]
    Value {
        /// The number.
        value: f32,
        /// The format asked for.
        kind: QuantKind,
    },
    /// Bytes of a file that are not this matrix.
    #[error("it has {found} bytes, [{}, {}] in {kind} are {wanted}", shape[0], shape[1])]
    Bytes {
        /// The bytes there are.
        found: usize,
        /// The bytes there should be.
        wanted: usize,
        /// The shape asked for.
        shape: [usize; 2],
        /// The format asked for.
        kind: QuantKind,
    },
}

/// A matrix of weights, `[d_output, d_input]`, in a few bits a number.
#[derive(Clone)]
pub struct QuantisedMatrix {
    kind: QuantKind,
    shape: [usize; 2],
    tiles: Tiles,
}

impl fmt::Debug for QuantisedMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}", self.shape, self.kind)
    }
}

/// The bytes of some rows as they stand in a file.
///
/// # Shapes
/// - `values`: `[n, d_input]`, row-major
/// - output: `[n, kind.row_bytes(d_input)]`
///
/// # Errors
/// If a row is no whole blocks, or holds what no block can.
pub fn quantise_rows(kind: QuantKind, values: &[f32], d_input: usize) -> Result<Vec<u8>, Unfit> {
    if d_input == 0 || !d_input.is_multiple_of(kind.block()) {
        return Err(Unfit::Width { d_input, kind });
    }
    let fits = |value: f32| value.abs() <= 65504.0; // false of what is no number
    if let Some(&value) = values.par_iter().find_any(|value| !fits(**value)) {
        return Err(Unfit::Value { value, kind });
    }
    let mut bytes = vec![0; values.len() / kind.block() * kind.block_bytes()];
    let blocks = bytes.par_chunks_exact_mut(kind.block_bytes());
    blocks
        .zip(values.par_chunks_exact(kind.block()))
        .with_min_len(64)
        .for_each(|(bytes, values)| Block::nearest(kind, values).write(kind, bytes));
    Ok(bytes)
}

/// The numbers of rows that stand in a file.
///
/// # Shapes
/// - `bytes`: whole blocks
/// - output: a number for each
pub fn dequantise_rows(kind: QuantKind, bytes: &[u8]) -> Vec<f32> {
    let mut values = vec![0.0; bytes.len() / kind.block_bytes() * kind.block()];
    values
        .par_chunks_exact_mut(kind.block())
        .zip(bytes.par_chunks_exact(kind.block_bytes()))
        .with_min_len(64)
        .for_each(|(values, bytes)| Block::read(kind, bytes).numbers(kind, values));
    values
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
    pub fn nearest(kind: QuantKind, shape: [usize; 2], values: &[f32]) -> Result<Self, Unfit> {
        Self::from_bytes(kind, shape, &quantise_rows(kind, values, shape[1])?)
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

    /// `x W^T`.
    ///
    /// # Shapes
    /// - `x`: `[n, d_input]`, row-major
    /// - output: `[n, d_output]`
    ///
    /// # Panics
    /// If `x` is no whole rows.
    pub fn product(&self, x: &[f32]) -> Vec<f32> {
        product::product(self, x, Level::best())
    }
}

#[cfg(test)]
mod tests;
