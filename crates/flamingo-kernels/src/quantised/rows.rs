//! Rows of numbers as they stand in a file, and back.

use rayon::prelude::*;

use super::block::Block;
use super::{QuantKind, Unfit};

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
