//! Rows of numbers as they stand in a file, and back.

use rayon::prelude::*;

use super::block::Block;
use super::{QuantKind, Unfit};
use crate::cpu::simd::InstructionSet;

/// The bytes of some rows as they stand in a file.
///
/// # Shapes
/// - `values`: `[n, d_input]`, row-major
/// - output: `[n, kind.row_bytes(d_input)]`
///
/// # Errors
/// If a row is no whole blocks, or holds what no block can.
pub fn quantise_rows(kind: QuantKind, values: &[f32], d_input: usize) -> Result<Vec<u8>, Unfit> {
    check(kind, values, d_input)?;
    let mut bytes = vec![0; values.len() / kind.block() * kind.block_bytes()];
    let set = InstructionSet::best();
    bytes
        .par_chunks_mut(AT_ONCE * kind.block_bytes())
        .zip(values.par_chunks(AT_ONCE * kind.block()))
        .for_each(|(bytes, values)| {
            Block::nearest(set, kind, values, |i, block| {
                block.write(
                    kind,
                    &mut bytes[i * kind.block_bytes()..][..kind.block_bytes()],
                );
            });
        });
    Ok(bytes)
}

/// Blocks of a task.
const AT_ONCE: usize = 64;

/// Whether these rows can be quantised.
pub(super) fn check(kind: QuantKind, values: &[f32], d_input: usize) -> Result<(), Unfit> {
    if d_input == 0 || !d_input.is_multiple_of(kind.block()) {
        return Err(Unfit::Width { d_input, kind });
    }
    let fits = |value: f32| value.abs() <= 65504.0; // false of what is no number
    match values.par_iter().find_any(|value| !fits(**value)) {
        Some(&value) => Err(Unfit::Value { value, kind }),
        None => Ok(()),
    }
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
