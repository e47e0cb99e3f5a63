//! Gradients of [`attention`](super::attention) for one head: the probabilities are made again for a
//! block of queries at a time, so that there are never more of them than a block's.
//!
//! Sums over the keys go over them in their order, and sums over the queries over blocks of them in
//! theirs: the result does not depend on the number of threads.

use crate::cpu::attention::{BLOCK, Mask, Rows, dots, exponentials, mask_row};
use crate::cpu::product::Shared;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};

/// Rows that a kernel adds to.
#[derive(Clone, Copy)]
pub(crate) struct Out {
    pub(crate) first: Shared,
    pub(crate) stride: usize,
}

/// One head, and where its gradients go if they are wanted.
pub(crate) struct Head<'a> {
    pub(crate) queries: Rows,
    pub(crate) keys: Rows,
    pub(crate) values: Rows,
    /// Of the output.
    pub(crate) gradient: Rows,
    /// Queries and keys.
    pub(crate) lens: [usize; 2],
    pub(crate) width: usize,
    pub(crate) scale: f32,
    pub(crate) mask: Mask<'a>,
    pub(crate) of_queries: Option<Out>,
    /// Zeros.
    pub(crate) of_keys: Option<Out>,
    /// Zeros.
    pub(crate) of_values: Option<Out>,
}

/// Writes the gradients.
///
/// # Safety
/// Everything that `head` points to must be there, the values at least if gradients of queries or
/// keys are wanted, and no one else may write what is.
pub(crate) unsafe fn gradients(set: InstructionSet, head: &Head<'_>) {
    unsafe { backward(set, head) }
}

for_processor!(fn backward(head: &Head<'_>) = backward_of);

#[inline(always)]
unsafe fn backward_of<V: Lanes>(head: &Head<'_>) {
    let ([queries, keys], width) = (head.lens, head.width);
    let (padded_width, padded_keys) = (width.next_multiple_of(LANES), keys.next_multiple_of(LANES));
    let rows = queries.min(BLOCK);
    let mut scratch = vec![0.0f32; 2 * rows * (padded_width + padded_keys)];
    let (narrow, wide) = scratch.split_at_mut(2 * rows * padded_width);
    let (scaled, gradient) = narrow.split_at_mut(rows * padded_width);
    let (p, dp) = wide.split_at_mut(rows * padded_keys);
    let of_scores = head.of_queries.is_some() || head.of_keys.is_some();
    for first in (0..queries).step_by(BLOCK) {
        let rows = BLOCK.min(queries - first);
        unsafe {
            copy(
                scaled,
                padded_width,
                head.queries,
                first,
                rows,
                width,
                head.scale,
            );
            copy(
                gradient,
                padded_width,
                head.gradient,
                first,
                rows,
                width,
                1.0,
            );
            let block = |rows: &[f32], stride| Rows {
                first: rows.as_ptr(),
                stride,
            };
            let (q, dy) = (block(scaled, padded_width), block(gradient, padded_width));
            let to = p.as_mut_ptr();
            dots::<V>(q, rows, head.keys, keys, width, to, padded_keys);
            for r in 0..rows {
                let row = p.as_mut_ptr().add(r * padded_keys);
                let seen = mask_row(head.mask, row, first + r, keys);
                let sum = exponentials::<V>(row, seen, padded_keys);
                let share = V::splat(1.0 / sum);
                for at in (0..keys).step_by(LANES) {
                    V::load(row.add(at)).mul(share).store(row.add(at));
                }
            }
            let by_key = Coefficients {
                first: p.as_ptr(),
                row: 1,
                term: padded_keys,
            };
            if let Some(out) = head.of_values {
                accumulate::<V>(by_key, dy, [keys, rows, width], 1.0, first > 0, out);
            }
            if !of_scores {
                continue;
            }
            let to = dp.as_mut_ptr();
            dots::<V>(dy, rows, head.values, keys, width, to, padded_keys);
            for r in 0..rows {
                let at = r * padded_keys;
                through_softmax::<V>(p.as_ptr().add(at), dp.as_mut_ptr().add(at), keys);
            }
            let by_key = Coefficients {
                first: dp.as_ptr(),
                ..by_key
            };
            let by_query = Coefficients {
                first: dp.as_ptr(),
                row: padded_keys,
                term: 1,
            };
            if let Some(out) = head.of_keys {
                accumulate::<V>(by_key, q, [keys, rows, width], 1.0, first > 0, out);
            }
            if let Some(out) = head.of_queries {
                let out = Out {
                    first: out.first.behind(first * out.stride),
                    stride: out.stride,
                };
                let sizes = [rows, keys, width];
                accumulate::<V>(by_query, head.keys, sizes, head.scale, false, out);
            }
        }
    }
}

/// Rows of a block, `factor` times as large, padded with the zeros that are there.
#[inline(always)]
unsafe fn copy(
    to: &mut [f32],
    stride: usize,
    from: Rows,
    first: usize,
    rows: usize,
    width: usize,
    factor: f32,
) {
    for (r, to) in to.chunks_exact_mut(stride).take(rows).enumerate() {
        let row = unsafe { std::slice::from_raw_parts(from.row(first + r), width) };
        for (to, value) in to.iter_mut().zip(row) {
            *to = value * factor;
        }
    }
}

/// From a row of probabilities and one of their gradients, that of the scores: `p (dp - sum(p dp))`.
/// Beyond the keys `p` is zero and `dp` finite.
#[inline(always)]
unsafe fn through_softmax<V: Lanes>(p: *const f32, dp: *mut f32, keys: usize) {
    unsafe {
        let mut sum = V::splat(0.0);
        for at in (0..keys).step_by(LANES) {
            sum = V::load(p.add(at)).mul_add(V::load(dp.add(at)), sum);
        }
        let sum = V::splat(sum.sum());
        for at in (0..keys).step_by(LANES) {
            let value = V::load(dp.add(at)).sub(sum).mul(V::load(p.add(at)));
            value.store(dp.add(at));
        }
    }
}

/// A matrix of factors: how far apart rows and terms of a sum lie.
#[derive(Clone, Copy)]
struct Coefficients {
    first: *const f32,
    row: usize,
    term: usize,
}

/// Writes `factor` times the sum over terms of `coefficients[row, term] values[term]` for each row, or
/// adds it to what is there.
#[inline(always)]
unsafe fn accumulate<V: Lanes>(
    coefficients: Coefficients,
    values: Rows,
    [rows, terms, width]: [usize; 3],
    factor: f32,
    add: bool,
    out: Out,
) {
    let mut row = 0;
    while row < rows {
        let many = V::TILE[0] > 4 && row + 4 <= rows;
        let mut at = 0;
        while at < width {
            let left = width - at;
            let coefficients = Coefficients {
                first: unsafe { coefficients.first.add(row * coefficients.row) },
                ..coefficients
            };
            let tile = Tile {
                coefficients,
                values,
                terms,
                at,
                last: left.min(LANES),
                factor,
                add,
                out: unsafe { out.first.pointer().add(row * out.stride + at) },
                stride: out.stride,
            };
            unsafe {
                match (many, left / LANES) {
                    (true, 0 | 1) => tile.sum::<V, 4, 1>(),
                    (true, 2 | 3) => tile.sum::<V, 4, 2>(),
                    (true, _) => tile.sum::<V, 4, 4>(),
                    (false, 0 | 1) => tile.sum::<V, 1, 1>(),
                    (false, 2 | 3) => tile.sum::<V, 1, 2>(),
                    (false, _) => tile.sum::<V, 1, 4>(),
                }
            }
            at += match left / LANES {
                0 | 1 => LANES,
                2 | 3 => 2 * LANES,
                _ => 4 * LANES,
            };
        }
        row += if many { 4 } else { 1 };
    }
}

struct Tile {
    coefficients: Coefficients,
    values: Rows,
    terms: usize,
    /// First channel.
    at: usize,
    /// Lanes of the last vector of channels.
    last: usize,
    factor: f32,
    add: bool,
    out: *mut f32,
    stride: usize,
}

impl Tile {
    /// Of `R` rows and `C` vectors of channels.
    #[inline(always)]
    unsafe fn sum<V: Lanes, const R: usize, const C: usize>(&self) {
        unsafe {
            let mut sums = [[V::splat(0.0); C]; R];
            for term in 0..self.terms {
                let from = self.values.row(term).add(self.at);
                let mut values = [V::splat(0.0); C];
                for c in 0..C {
                    values[c] = match self.last {
                        LANES => V::load(from.add(c * LANES)),
                        _ => V::load_first(from, self.last, 0.0),
                    };
                }
                let factors = self.coefficients.first.add(term * self.coefficients.term);
                for r in 0..R {
                    let factor = V::splat(*factors.add(r * self.coefficients.row));
                    for c in 0..C {
                        sums[r][c] = factor.mul_add(values[c], sums[r][c]);
                    }
                }
            }
            let factor = V::splat(self.factor);
            for r in 0..R {
                for c in 0..C {
                    let to = self.out.add(r * self.stride + c * LANES);
                    let mut value = sums[r][c].mul(factor);
                    if self.add {
                        let before = match self.last {
                            LANES => V::load(to),
                            _ => V::load_first(to, self.last, 0.0),
                        };
                        value = value.add(before);
                    }
                    match self.last {
                        LANES => value.store(to),
                        _ => value.store_first(to, self.last),
                    }
                }
            }
        }
    }
}
