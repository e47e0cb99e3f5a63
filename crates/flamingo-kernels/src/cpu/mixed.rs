//! Products of numbers of f32 that are rounded to bf16 for it, with sums in f32: those of mixed-precision training. Each
//! operand may lie either way, so that forward and backward passes need no turned copies of their own.

use half::bf16;

use crate::cpu::bf16::round;
use crate::cpu::finish::Finish;
use crate::cpu::lines::{Line, add_lines, of_panel};
use crate::cpu::panels::{Weights, product_in_f32};
use crate::cpu::product::{Shared, Sizes};
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};
use crate::cpu::tasks::for_each;
use crate::cpu::{ALONE, Source};

/// How the numbers of an operand lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lying {
    /// A row or column of the product after another, the numbers that are summed over side by side.
    Whole,
    /// The other way round.
    Across,
}

/// The numbers of an operand.
#[derive(Clone, Copy)]
pub(crate) enum Numbers<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
}

impl Numbers<'_> {
    fn len(&self) -> usize {
        match self {
            Numbers::F32(numbers) => numbers.len(),
            Numbers::Bf16(numbers) => numbers.len(),
        }
    }
}

/// The lines of all panels of a matrix of so many columns of `k` numbers.
pub(crate) struct LinesOf {
    columns: usize,
    k: usize,
    lines: Vec<Line>,
}

impl LinesOf {
    /// Of weights that lie as `[columns, k]`.
    fn of_rows(set: InstructionSet, weights: &[bf16], [columns, k]: [usize; 2]) -> Self {
        let mut lines = Vec::new();
        add_lines(set, weights, k, &mut lines);
        Self { columns, k, lines }
    }

    /// The product of rows `[m, k]` with the columns, finished, `[m, columns]`.
    ///
    /// # Panics
    /// If there are more or fewer rows.
    pub(crate) fn product(
        &self,
        set: InstructionSet,
        rows: &[bf16],
        finish: Finish<'_, f32>,
    ) -> Vec<f32> {
        let sizes = Sizes {
            m: rows.len() / self.k.max(1),
            n: self.columns,
            k: self.k,
        };
        product_in_f32(set, sizes, rows, Weights::Lines(&self.lines), finish)
    }
}

/// `[m, k] x [k, n]`, finished, `[m, n]`.
///
/// # Panics
/// If a slice is not as long as `sizes` say.
pub(crate) fn product_mixed(
    set: InstructionSet,
    sizes: Sizes,
    rows: (&[f32], Lying),
    columns: (Numbers<'_>, Lying),
    finish: Finish<'_, f32>,
) -> Vec<f32> {
    let Sizes { m, n, k } = sizes;
    let rows = rounded_rows(set, rows, [m, k]);
    let lines = lines(set, columns, [n, k]);
    lines.product(set, &rows, finish)
}

/// The rows of a product, `[m, k]`.
///
/// # Panics
/// If there are more or fewer numbers.
pub(crate) fn rounded_rows(
    set: InstructionSet,
    (numbers, lying): (&[f32], Lying),
    [m, k]: [usize; 2],
) -> Vec<bf16> {
    assert_eq!(numbers.len(), m * k, "numbers of rows");
    match lying {
        Lying::Whole => all_rounded(set, numbers),
        Lying::Across => turned(set, numbers, [m, k]),
    }
}

/// The columns of a product, `[n, k]`.
///
/// # Panics
/// If there are more or fewer numbers.
pub(crate) fn lines(
    set: InstructionSet,
    (numbers, lying): (Numbers<'_>, Lying),
    [n, k]: [usize; 2],
) -> LinesOf {
    assert_eq!(numbers.len(), n * k, "numbers of columns");
    match (numbers, lying) {
        (Numbers::Bf16(numbers), Lying::Whole) => LinesOf::of_rows(set, numbers, [n, k]),
        (Numbers::F32(numbers), Lying::Whole) => {
            LinesOf::of_rows(set, &all_rounded(set, numbers), [n, k])
        }
        (numbers, Lying::Across) => lines_across(set, numbers, [n, k]),
    }
}

fn all_rounded(set: InstructionSet, from: &[f32]) -> Vec<bf16> {
    let len = from.len();
    let mut out = Vec::with_capacity(len);
    let to = Shared::unwritten(&mut out);
    for_each(len.div_ceil(ALONE), |part| {
        let numbers = part * ALONE..((part + 1) * ALONE).min(len);
        let first = numbers.start;
        // SAFETY: parts write elements of their own.
        unsafe { round(set, &from[numbers], to.behind(first).pointer()) };
    });
    // SAFETY: the parts are all of it.
    unsafe { out.set_len(len) };
    out
}

/// A matrix `[k, m]` as `[m, k]`.
fn turned(set: InstructionSet, from: &[f32], [m, k]: [usize; 2]) -> Vec<bf16> {
    let mut out = Vec::with_capacity(m * k);
    let (from, to) = (Source::of(from), Shared::unwritten(&mut out));
    for_each(m.div_ceil(LANES), |number| {
        let columns = [number * LANES, ((number + 1) * LANES).min(m)];
        let part = Turned {
            from: from.pointer(),
            to,
            sizes: [m, k],
            columns,
        };
        // SAFETY: the lengths were checked, and parts write rows of their own.
        unsafe { turn(set, &part) };
    });
    // SAFETY: every row was written.
    unsafe { out.set_len(m * k) };
    out
}

/// Some columns of a matrix `[k, m]` that become rows.
struct Turned {
    from: *const f32,
    to: Shared<bf16>,
    sizes: [usize; 2],
    columns: [usize; 2],
}

for_processor!(fn turn(part: &Turned) = turn_of);

#[inline(always)]
unsafe fn turn_of<V: Lanes>(part: &Turned) {
    let ([m, k], [first, end]) = (part.sizes, part.columns);
    // SAFETY: `[first, end)` are columns of the matrix, and rows of what is made of it.
    unsafe {
        let mut at = 0;
        while at + LANES <= k && end - first == LANES {
            let mut rows = [part.from; LANES];
            for (i, row) in rows.iter_mut().enumerate() {
                *row = part.from.add((at + i) * m + first);
            }
            let columns = V::load_columns(rows);
            for (i, column) in columns.into_iter().enumerate() {
                column.store_bf16(part.to.behind((first + i) * k + at).pointer());
            }
            at += LANES;
        }
        for at in at..k {
            for column in first..end {
                let number = bf16::from_f32(*part.from.add(at * m + column));
                part.to.behind(column * k + at).pointer().write(number);
            }
        }
    }
}

/// Lines of a matrix `[k, n]`.
fn lines_across(set: InstructionSet, numbers: Numbers<'_>, [n, k]: [usize; 2]) -> LinesOf {
    let (from_f32, from_bf16) = match numbers {
        Numbers::F32(numbers) => (numbers, &[][..]),
        Numbers::Bf16(numbers) => (&[][..], numbers),
    };
    let (panels, pairs) = (n.div_ceil(LANES), of_panel(k));
    let mut lines = Vec::<Line>::with_capacity(panels * pairs);
    let to = Shared::unwritten(&mut lines);
    let (from_f32, from_bf16) = (Source::of(from_f32), Halves(from_bf16.as_ptr()));
    for_each(panels, |panel| {
        let across = Across {
            sizes: [n, k],
            columns: [panel * LANES, ((panel + 1) * LANES).min(n)],
            // SAFETY: each panel has a place of its own.
            to: unsafe { to.behind(panel * pairs).pointer().cast() },
        };
        // SAFETY: the length was checked, and there is room for the panel's lines.
        unsafe {
            match numbers {
                Numbers::F32(_) => across_f32(set, &across, from_f32.pointer()),
                Numbers::Bf16(_) => across_bf16(set, &across, from_bf16.pointer()),
            }
        }
    });
    // SAFETY: the panels are all of them, and each was written.
    unsafe { lines.set_len(panels * pairs) };
    LinesOf {
        columns: n,
        k,
        lines,
    }
}

/// Where numbers of bf16 begin, read by many threads.
#[derive(Clone, Copy)]
struct Halves(*const bf16);
// SAFETY: nothing is written through it.
unsafe impl Sync for Halves {}

impl Halves {
    fn pointer(self) -> *const bf16 {
        self.0
    }
}

/// Some columns of a matrix `[k, n]` that become a panel's lines.
struct Across {
    sizes: [usize; 2],
    columns: [usize; 2],
    to: *mut u32,
}

for_processor!(fn across_f32(across: &Across, from: *const f32) = across_f32_of);
for_processor!(fn across_bf16(across: &Across, from: *const bf16) = across_bf16_of);

#[inline(always)]
unsafe fn across_f32_of<V: Lanes>(across: &Across, from: *const f32) {
    unsafe { lines_of::<V, f32>(across, from) }
}

#[inline(always)]
unsafe fn across_bf16_of<V: Lanes>(across: &Across, from: *const bf16) {
    unsafe { lines_of::<V, bf16>(across, from) }
}

/// A number that can be rounded to bf16.
trait Rounded {
    /// The first `count` of these, up to [`LANES`], rounded.
    unsafe fn first<V: Lanes>(from: *const Self, count: usize, to: &mut [bf16; LANES]);
}

impl Rounded for f32 {
    #[inline(always)]
    unsafe fn first<V: Lanes>(from: *const f32, count: usize, to: &mut [bf16; LANES]) {
        unsafe {
            match count == LANES {
                true => V::load(from).store_bf16(to.as_mut_ptr()),
                false => V::load_first(from, count, 0.0).store_bf16(to.as_mut_ptr()),
            }
        }
    }
}

impl Rounded for bf16 {
    #[inline(always)]
    unsafe fn first<V: Lanes>(from: *const bf16, count: usize, to: &mut [bf16; LANES]) {
        unsafe { std::ptr::copy_nonoverlapping(from, to.as_mut_ptr(), count) };
    }
}

/// Writes the lines of a panel.
#[inline(always)]
unsafe fn lines_of<V: Lanes, N: Rounded>(across: &Across, from: *const N) {
    let [n, k] = across.sizes;
    let [first, end] = across.columns;
    let [mut one, mut two] = [[bf16::ZERO; LANES]; 2];
    for pair in 0..k.div_ceil(2) {
        // SAFETY: both are rows of the matrix, and there is room for all lines.
        unsafe {
            N::first::<V>(from.add(2 * pair * n + first), end - first, &mut one);
            match 2 * pair + 1 < k {
                true => {
                    let from = from.add((2 * pair + 1) * n + first);
                    N::first::<V>(from, end - first, &mut two);
                }
                false => two = [bf16::ZERO; LANES],
            }
            for lane in 0..LANES {
                let both = u32::from(one[lane].to_bits()) | u32::from(two[lane].to_bits()) << 16;
                across.to.add(pair * LANES + lane).write(both);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    fn across(numbers: &[f32], rows: usize) -> Vec<f32> {
        let width = numbers.len() / rows;
        let column = |column: usize| (0..rows).map(move |row| numbers[row * width + column]);
        (0..width).flat_map(column).collect()
    }

    #[test]
    fn operands_that_lie_either_way_give_the_same_bits_with_every_instruction_set() {
        for [m, n, k] in [
            [1, 1, 1],
            [3, 5, 2],
            [16, 33, 48],
            [29, 17, 547],
            [40, 100, 33],
        ] {
            let (x, w, bias) = (numbers(m * k, 1), numbers(n * k, 2), numbers(n, 3));
            let (x_across, w_across) = (across(&x, m), across(&w, n));
            let halves = |w: &[f32]| w.iter().map(|&x| bf16::from_f32(x)).collect::<Vec<_>>();
            let (half, half_across) = (halves(&w), halves(&w_across));
            let rounded = |x: f32| bf16::from_f32(x).to_f64();
            let finish = Finish {
                bias: Some(&bias),
                ..Finish::default()
            };
            let mut first: Option<Vec<f32>> = None;
            for set in InstructionSet::available() {
                let rows = [(&x[..], Lying::Whole), (&x_across, Lying::Across)];
                let columns = [
                    (Numbers::F32(&w), Lying::Whole),
                    (Numbers::Bf16(&half), Lying::Whole),
                    (Numbers::F32(&w_across), Lying::Across),
                    (Numbers::Bf16(&half_across), Lying::Across),
                ];
                for rows in rows {
                    for columns in columns {
                        let found = product_mixed(set, Sizes { m, n, k }, rows, columns, finish);
                        let first = first.get_or_insert_with(|| found.clone());
                        assert_eq!(*first, found, "{set} {m} {n} {k}");
                    }
                }
            }
            for (at, found) in first.iter().flatten().enumerate() {
                let (i, j) = (at / n, at % n);
                let term = |l: usize| rounded(x[i * k + l]) * rounded(w[j * k + l]);
                let exact = f64::from(bias[j]) + (0..k).map(term).sum::<f64>();
                assert!((f64::from(*found) - exact).abs() < 1e-5, "{found} {exact}");
            }
        }
    }
}
