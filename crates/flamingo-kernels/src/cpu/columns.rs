//! Sums over the rows of a matrix, in an order that the number of rows alone decides.

use rayon::prelude::*;

use crate::cpu::ALONE;
use crate::cpu::product::Shared;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};

/// Rows in blocks, each of which is summed by one thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blocks {
    rows: usize,
    at_once: usize,
    pub(crate) count: usize,
}

impl Blocks {
    pub(crate) fn of(rows: usize) -> Self {
        let at_once = rows.div_ceil(64).max(16);
        Self {
            rows,
            at_once,
            count: rows.div_ceil(at_once),
        }
    }

    /// Calls `f` with the number of each block and its rows, in parallel if asked to.
    pub(crate) fn for_each(self, parallel: bool, f: impl Fn(usize, [usize; 2]) + Sync) {
        let one = |number: usize| {
            let first = number * self.at_once;
            f(number, [first, (first + self.at_once).min(self.rows)]);
        };
        match parallel {
            true => (0..self.count).into_par_iter().for_each(one),
            false => (0..self.count).for_each(one),
        }
    }

    /// The sum of the blocks' sums, of `d` elements each.
    pub(crate) fn total(self, sums: &[f32], d: usize) -> Vec<f32> {
        let mut total = vec![0.0; d];
        for block in sums.chunks_exact(d.max(1)) {
            for (total, value) in total.iter_mut().zip(block) {
                *total += value;
            }
        }
        total
    }
}

/// The sum of each column of `[rows, d]`, of products with `other` if there is one.
///
/// # Panics
/// If the lengths are not those of whole rows.
pub(crate) fn column_sums(
    set: InstructionSet,
    d: usize,
    values: &[f32],
    other: Option<&[f32]>,
) -> Vec<f32> {
    let rows = values.len() / d.max(1);
    assert_eq!(rows * d, values.len(), "whole rows");
    assert!(
        other.is_none_or(|other| other.len() == values.len()),
        "as many factors"
    );
    let blocks = Blocks::of(rows);
    let mut sums = vec![0.0; blocks.count * d];
    let to = Shared::new(&mut sums);
    blocks.for_each(values.len() > ALONE, |number, rows| {
        // SAFETY: lengths were checked above, and each block has `d` sums of its own.
        unsafe {
            let columns = Columns {
                d,
                rows,
                values: values.as_ptr(),
                other: other.map_or(std::ptr::null(), <[f32]>::as_ptr),
                sums: to.behind(number * d).pointer(),
            };
            sum(set, &columns);
        }
    });
    blocks.total(&sums, d)
}

struct Columns {
    d: usize,
    rows: [usize; 2],
    values: *const f32,
    other: *const f32,
    sums: *mut f32,
}

for_processor!(fn sum(columns: &Columns) = sum_of);

#[inline(always)]
unsafe fn sum_of<V: Lanes>(columns: &Columns) {
    let d = columns.d;
    unsafe {
        for row in columns.rows[0]..columns.rows[1] {
            for at in (0..d).step_by(LANES) {
                let left = d - at;
                let place = row * d + at;
                let values: V = load(columns.values.add(place), left);
                let before: V = load(columns.sums.add(at), left);
                let sum = match columns.other.is_null() {
                    true => before.add(values),
                    false => values.mul_add(load(columns.other.add(place), left), before),
                };
                match left >= LANES {
                    true => sum.store(columns.sums.add(at)),
                    false => sum.store_first(columns.sums.add(at), left),
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn load<V: Lanes>(from: *const f32, left: usize) -> V {
    unsafe {
        match left >= LANES {
            true => V::load(from),
            false => V::load_first(from, left, 0.0),
        }
    }
}
