//! A matrix of bf16, laid out for its products.

use std::convert::Infallible;
use std::fmt;
use std::ops::Range;

use half::bf16;
use rayon::prelude::*;

use crate::cpu::finish::Finish;
use crate::cpu::lines::{Line, add_lines, read_column};
use crate::cpu::panels::{Weights, product_bf16};
use crate::cpu::product::Sizes;
use crate::cpu::simd::{InstructionSet, LANES};

/// Numbers that are laid out at once: they stay in the second cache.
const AT_ONCE: usize = 1 << 17;

/// A matrix of weights, `[d_output, d_input]`, in bf16: the same numbers in another order.
#[derive(Clone)]
pub struct Bf16Matrix {
    shape: [usize; 2],
    lines: Vec<Line>,
}

impl fmt::Debug for Bf16Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in bf16", self.shape)
    }
}

impl Bf16Matrix {
    /// Of what `read` gives for ranges of its numbers, row-major, one behind the other.
    ///
    /// # Errors
    /// Those of `read`.
    ///
    /// # Panics
    /// If `read` gives more or fewer.
    pub fn read<E>(
        shape: [usize; 2],
        mut read: impl FnMut(Range<usize>) -> Result<Vec<bf16>, E>,
    ) -> Result<Self, E> {
        let ([d_output, d_input], set) = (shape, InstructionSet::best());
        let at_once = (AT_ONCE / d_input.max(1)).max(1).next_multiple_of(LANES);
        let mut lines = Vec::new();
        lines.reserve_exact(d_output.div_ceil(LANES) * d_input.div_ceil(2));
        for first in (0..d_output).step_by(at_once) {
            let end = (first + at_once).min(d_output);
            let rows = read(first * d_input..end * d_input)?;
            assert_eq!(rows.len(), (end - first) * d_input, "rows {first} to {end}");
            add_lines(set, &rows, d_input, &mut lines);
        }
        Ok(Self { shape, lines })
    }

    /// The nearest matrix to `values`, row-major.
    ///
    /// # Panics
    /// If there are more or fewer numbers than `shape` has.
    pub fn nearest(shape: [usize; 2], values: &[f32]) -> Self {
        assert_eq!(values.len(), shape[0] * shape[1], "numbers of {shape:?}");
        let rounded = |numbers: Range<usize>| {
            let rounded = values[numbers].iter().copied().map(bf16::from_f32);
            Ok::<Vec<bf16>, Infallible>(rounded.collect())
        };
        let Ok(matrix) = Self::read(shape, rounded);
        matrix
    }

    /// `[d_output, d_input]`.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.lines[..])
    }

    /// Some of its rows, one behind the other.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn rows(&self, rows: &[usize]) -> Vec<bf16> {
        let [d_output, d_input] = self.shape;
        let mut values = vec![bf16::ZERO; rows.len() * d_input];
        let places = values.par_chunks_exact_mut(d_input.max(1));
        places.zip(rows).for_each(|(values, &row)| {
            assert!(row < d_output, "row {row} of {d_output}");
            read_column(&self.lines, d_input, row, values);
        });
        values
    }

    /// All of its numbers, row-major.
    pub fn values(&self) -> Vec<bf16> {
        self.rows(&(0..self.shape[0]).collect::<Vec<_>>())
    }

    /// `x W^T`, finished.
    ///
    /// # Shapes
    /// - `x`: `[m, d_input]`, row-major
    /// - output: `[m, d_output]`
    ///
    /// # Panics
    /// If `x` is not of `m` rows, or a slice of `finish` is not as long as they need it.
    pub(crate) fn product(&self, m: usize, x: &[bf16], finish: Finish<'_, bf16>) -> Vec<bf16> {
        let [n, k] = self.shape;
        let (set, weights) = (InstructionSet::best(), Weights::Lines(&self.lines));
        product_bf16(set, Sizes { m, n, k }, x, weights, finish)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_given_back_from_a_matrix_that_was_read_in_parts() {
        let [d_output, d_input] = [2 * AT_ONCE / 4099 + 7, 4099];
        let number = |i: usize| bf16::from_f32((i % 251) as f32);
        let mut parts = 0;
        let matrix = Bf16Matrix::read([d_output, d_input], |range| {
            parts += 1;
            Ok::<_, Infallible>(range.map(number).collect())
        });
        let Ok(matrix) = matrix;
        assert!(parts > 1);
        let all: Vec<bf16> = (0..d_output * d_input).map(number).collect();
        assert_eq!(matrix.values(), all);
        let row = |row: usize| &all[row * d_input..][..d_input];
        assert_eq!(
            matrix.rows(&[d_output - 1, 3, 3]),
            [row(d_output - 1), row(3), row(3)].concat()
        );
        assert_eq!(matrix.bytes(), d_output.next_multiple_of(LANES) * 4100 * 2);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let error = Bf16Matrix::read([3, 5], Err::<Vec<bf16>, _>);
        assert_eq!(error.err(), Some(0..15));
    }
}
