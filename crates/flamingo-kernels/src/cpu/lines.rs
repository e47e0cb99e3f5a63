//! Weights of bf16 as products read them. Columns are taken sixteen at a time, a panel: two numbers of each of them lie
//! side by side, a line, and the lines of a panel one behind the other.

use half::bf16;

use crate::cpu::product::Shared;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};
use crate::cpu::tasks::for_each;

/// Two numbers of each of sixteen columns, the first in the lower half.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Line(pub(crate) [u32; LANES]);

/// Lines of a panel.
pub(crate) fn of_panel(k: usize) -> usize {
    k.div_ceil(2)
}

/// Adds the lines of `weights`, rows of `k` numbers, to `lines`. Columns behind the last are the last again, a number
/// behind the last is 0.
///
/// # Panics
/// If there are no whole rows.
pub(crate) fn add_lines(set: InstructionSet, weights: &[bf16], k: usize, lines: &mut Vec<Line>) {
    let columns = weights.len() / k.max(1);
    assert_eq!(columns * k, weights.len(), "whole rows");
    let (panels, before) = (columns.div_ceil(LANES), lines.len());
    lines.reserve_exact(panels * of_panel(k));
    // SAFETY: there is room behind those that are there.
    let to = unsafe { Shared::unwritten(lines).behind(before) };
    let from = Numbers(weights.as_ptr());
    for_each(panels, |panel| {
        let part = Columns {
            weights: from.pointer(),
            columns,
            k,
            panel,
            pairs: [0, of_panel(k)],
        };
        // SAFETY: the weights are whole rows, and each panel has a place of its own.
        unsafe { lay_out(set, &part, to.behind(panel * of_panel(k)).pointer().cast()) }
    });
    // SAFETY: the panels are all of them, and each was written.
    unsafe { lines.set_len(before + panels * of_panel(k)) };
}

/// Writes column `column` of lines of columns of `k` numbers, a row of the weights.
///
/// # Panics
/// If there is no such column, or `to` is not as long.
pub(crate) fn read_column(lines: &[Line], k: usize, column: usize, to: &mut [bf16]) {
    assert_eq!(to.len(), k, "numbers of a column");
    let of_panel = of_panel(k);
    let lines = &lines[column / LANES * of_panel..][..of_panel];
    for (pair, line) in to.chunks_mut(2).zip(lines) {
        let two = line.0[column % LANES];
        for (i, number) in pair.iter_mut().enumerate() {
            *number = bf16::from_bits((two >> (16 * i)) as u16);
        }
    }
}

/// Where the numbers of weights begin, read by many threads.
#[derive(Clone, Copy)]
struct Numbers(*const bf16);
// SAFETY: nothing is written through it.
unsafe impl Sync for Numbers {}

impl Numbers {
    fn pointer(self) -> *const bf16 {
        self.0
    }
}

/// What lines are made of.
pub(crate) struct Columns {
    pub(crate) weights: *const bf16,
    /// All that there are.
    pub(crate) columns: usize,
    pub(crate) k: usize,
    pub(crate) panel: usize,
    /// The pairs whose lines are wanted.
    pub(crate) pairs: [usize; 2],
}

impl Columns {
    /// Where each begins; behind the last it is the last again.
    #[inline(always)]
    unsafe fn firsts(&self) -> [*const bf16; LANES] {
        let mut all = [self.weights; LANES];
        for (lane, first) in all.iter_mut().enumerate() {
            let column = (self.panel * LANES + lane).min(self.columns - 1);
            *first = unsafe { self.weights.add(column * self.k) };
        }
        all
    }
}

for_processor!(fn lay_out(columns: &Columns, to: *mut u32) = lay_out_of);

/// Writes the lines to `to`.
///
/// # Safety
/// The weights must be as long as `columns` says, and there must be room for the lines.
#[inline(always)]
pub(crate) unsafe fn lay_out_of<V: Lanes>(columns: &Columns, to: *mut u32) {
    let ([start, end], k) = (columns.pairs, columns.k);
    let mut at = start;
    unsafe {
        let firsts = columns.firsts();
        while at + LANES <= end.min(k / 2) {
            let mut rows = [std::ptr::null(); LANES];
            for lane in 0..LANES {
                rows[lane] = firsts[lane].add(2 * at).cast();
            }
            let lines = V::load_columns(rows);
            for i in 0..LANES {
                lines[i].store(to.add((at - start + i) * LANES).cast());
            }
            at += LANES;
        }
        while at < end {
            for lane in 0..LANES {
                let from = firsts[lane].add(2 * at);
                let pair = match 2 * at + 1 < k {
                    true => from.cast::<u32>().read_unaligned(),
                    false => u32::from((*from).to_bits()),
                };
                to.add((at - start) * LANES + lane).write(pair);
            }
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_two_numbers_of_sixteen_columns_and_give_the_rows_back() {
        for set in InstructionSet::available() {
            for [n, k] in [[1, 1], [7, 5], [37, 34], [16, 32], [33, 67]] {
                let rows: Vec<bf16> = (0..n * k).map(|i| bf16::from_bits(i as u16)).collect();
                let mut lines = Vec::new();
                // In two parts, the first of whole panels.
                let first = n / LANES * LANES * k;
                add_lines(set, &rows[..first], k, &mut lines);
                add_lines(set, &rows[first..], k, &mut lines);
                assert_eq!(lines.len(), n.div_ceil(LANES) * k.div_ceil(2));
                for (at, line) in lines.iter().enumerate() {
                    let (panel, pair) = (at / k.div_ceil(2), at % k.div_ceil(2));
                    for (lane, found) in line.0.iter().enumerate() {
                        let column = (panel * LANES + lane).min(n - 1);
                        let number = |i: usize| match i < k {
                            true => u32::from(rows[column * k + i].to_bits()),
                            false => 0,
                        };
                        let expected = number(2 * pair) | number(2 * pair + 1) << 16;
                        assert_eq!(*found, expected, "{set} {n} {k}");
                    }
                }
                for (column, row) in rows.chunks(k).enumerate() {
                    let mut found = vec![bf16::ZERO; k];
                    read_column(&lines, k, column, &mut found);
                    assert_eq!(found, row, "{set} {n} {k}");
                }
            }
        }
    }
}
