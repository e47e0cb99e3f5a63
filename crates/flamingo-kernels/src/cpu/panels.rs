//! `x W^T` where both are bf16, with a lane for each column: one instruction multiplies two numbers of a row of `x` with
//! a line of weights ([`lines`](super::lines)), and no sum is ever made across lanes. Weights that lie in rows are laid out
//! in lines for one product.
//!
//! Every sum is made in one order that depends on `k` alone: within a stretch pair after pair, of a pair the second
//! number first, the stretches one after the other. So a row gives the same bits alone and among others, with one
//! thread and with many. Products of two are exact in f32, so that all instruction sets give the same bits, but for
//! numbers below 2^-126: the instruction that some processors have takes these for zero.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use half::bf16;

use crate::cpu::finish::Finish;
use crate::cpu::lines::{Columns, Line, add_lines, lay_out_of, of_panel};
use crate::cpu::product::{Shared, Sizes};
#[cfg(target_arch = "x86_64")]
use crate::cpu::simd::Avx512;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};
use crate::cpu::tasks::for_each;

/// Pairs of a stretch at most: those of a tile's rows and columns stay in the first cache.
const STRETCH: usize = 256;

/// Rows of a tile at most.
const TILE_ROWS: usize = 8;

/// Rows of a tile that meet more than two panels at once.
const FEWEST: usize = 4;

/// Rows of `x` up to which lines are made where they are used, and not for all of them.
const FEW: usize = 16;

/// Lines that are asked for before they are read: from one page of memory to the next the processor does not do it
/// by itself.
const AHEAD: usize = 32;

/// Panels of a task.
const PANELS: usize = 24;

/// Rows of a task at least and at most, where there are so many.
const ROWS: [usize; 2] = [96, 384];

/// Where the weights of a product lie.
#[derive(Clone, Copy)]
pub(crate) enum Weights<'a> {
    /// `[n, k]`.
    Rows(&'a [bf16]),
    /// All panels of them.
    Lines(&'a [Line]),
}

/// How two numbers of a row and of sixteen columns are multiplied.
trait Multiply {
    type Sums: Lanes;
    /// Two numbers of a row in all lanes, or of each column.
    type Operand: Copy;
    /// Places that two numbers take in the copy of a row.
    const PLACES: usize;
    unsafe fn copy(from: *const bf16, numbers: usize, to: *mut u32);
    unsafe fn row(from: *const u32) -> Self::Operand;
    unsafe fn columns(line: Self::Sums) -> Self::Operand;
    unsafe fn add(sums: Self::Sums, row: Self::Operand, columns: Self::Operand) -> Self::Sums;
}

/// Widened to f32: the second numbers, and the first.
struct Widened<V>(PhantomData<V>);

impl<V: Lanes> Multiply for Widened<V> {
    type Sums = V;
    type Operand = [V; 2];
    const PLACES: usize = 2;
    #[inline(always)]
    unsafe fn copy(from: *const bf16, numbers: usize, to: *mut u32) {
        unsafe {
            for i in 0..numbers.div_ceil(2) {
                let first = u32::from((*from.add(2 * i)).to_bits());
                let second = match 2 * i + 1 < numbers {
                    true => u32::from((*from.add(2 * i + 1)).to_bits()),
                    false => 0,
                };
                to.add(2 * i).write(second << 16);
                to.add(2 * i + 1).write(first << 16);
            }
        }
    }
    #[inline(always)]
    unsafe fn row(from: *const u32) -> [V; 2] {
        unsafe {
            let [second, first] = [*from, *from.add(1)];
            [
                V::splat(f32::from_bits(second)),
                V::splat(f32::from_bits(first)),
            ]
        }
    }
    #[inline(always)]
    unsafe fn columns(line: V) -> [V; 2] {
        unsafe {
            let mut room = Line([0; LANES]);
            line.store(room.0.as_mut_ptr().cast());
            let from = room.0.as_ptr().cast();
            [V::load_second_bf16(from), V::load_first_bf16(from)]
        }
    }
    #[inline(always)]
    unsafe fn add(sums: V, row: [V; 2], columns: [V; 2]) -> V {
        unsafe { columns[1].mul_add(row[1], columns[0].mul_add(row[0], sums)) }
    }
}

/// On a processor that multiplies them.
#[cfg(target_arch = "x86_64")]
struct Native;

#[cfg(target_arch = "x86_64")]
impl Multiply for Native {
    type Sums = Avx512;
    type Operand = Avx512;
    const PLACES: usize = 1;
    #[inline(always)]
    unsafe fn copy(from: *const bf16, numbers: usize, to: *mut u32) {
        unsafe {
            std::ptr::copy_nonoverlapping(from, to.cast(), numbers);
            if !numbers.is_multiple_of(2) {
                to.cast::<bf16>().add(numbers).write(bf16::ZERO);
            }
        }
    }
    #[inline(always)]
    unsafe fn row(from: *const u32) -> Avx512 {
        unsafe { Avx512::splat(f32::from_bits(*from)) }
    }
    #[inline(always)]
    unsafe fn columns(line: Avx512) -> Avx512 {
        line
    }
    #[inline(always)]
    unsafe fn add(sums: Avx512, row: Avx512, columns: Avx512) -> Avx512 {
        unsafe { sums.add_pairs(columns, row) }
    }
}

/// Some rows and panels of a product.
struct Block<'a> {
    set: InstructionSet,
    sizes: Sizes,
    rows: [usize; 2],
    panels: [usize; 2],
    x: *const bf16,
    weights: Weights<'a>,
    /// Room for the sums of all stretches but the last, `[rows, panels * 16]`.
    sums: *mut f32,
    out: Out<'a>,
}

/// How finished sums are finished, and where they go.
#[derive(Clone, Copy)]
enum Out<'a> {
    Bf16(Finish<'a, bf16>, Shared<bf16>),
    F32(Finish<'a, f32>, Shared<f32>),
}

/// `x W^T`, finished, `[m, n]`.
///
/// # Panics
/// If a slice is not as long as `sizes` say.
pub(crate) fn product_bf16(
    set: InstructionSet,
    sizes: Sizes,
    x: &[bf16],
    weights: Weights<'_>,
    finish: Finish<'_, bf16>,
) -> Vec<bf16> {
    let Sizes { m, n, .. } = sizes;
    finish.check([m, n]);
    let mut product = Vec::with_capacity(m * n);
    let out = Out::Bf16(finish, Shared::unwritten(&mut product));
    // SAFETY: there is room for all of it.
    unsafe { all_blocks(set, sizes, x, weights, out) };
    // SAFETY: every element was written.
    unsafe { product.set_len(m * n) };
    product
}

/// As [`product_bf16`], with sums that stay in f32.
///
/// # Panics
/// If a slice is not as long as `sizes` say.
pub(crate) fn product_in_f32(
    set: InstructionSet,
    sizes: Sizes,
    x: &[bf16],
    weights: Weights<'_>,
    finish: Finish<'_, f32>,
) -> Vec<f32> {
    let Sizes { m, n, .. } = sizes;
    finish.check([m, n]);
    let mut product = Vec::with_capacity(m * n);
    let out = Out::F32(finish, Shared::unwritten(&mut product));
    // SAFETY: there is room for all of it.
    unsafe { all_blocks(set, sizes, x, weights, out) };
    // SAFETY: every element was written.
    unsafe { product.set_len(m * n) };
    product
}

/// Writes every element of the product.
///
/// # Safety
/// There must be room for it.
///
/// # Panics
/// If a slice is not as long as `sizes` say.
unsafe fn all_blocks(
    set: InstructionSet,
    sizes: Sizes,
    x: &[bf16],
    weights: Weights<'_>,
    out: Out<'_>,
) {
    let Sizes { m, n, k } = sizes;
    let (panels, pairs) = (n.div_ceil(LANES), of_panel(k));
    let mut lines = Vec::new();
    let weights = match weights {
        Weights::Rows(rows) => {
            sizes.check(x.len(), rows.len());
            match m > FEW {
                true => {
                    add_lines(set, rows, k, &mut lines);
                    Weights::Lines(&lines)
                }
                false => weights,
            }
        }
        Weights::Lines(lines) => {
            sizes.check(x.len(), n * k);
            assert_eq!(lines.len(), panels * pairs, "lines of a product");
            weights
        }
    };
    let threads = rayon::current_num_threads();
    let at_once = match m {
        0..=FEW => panels
            .div_ceil(4 * threads)
            .clamp(1, PANELS)
            .next_multiple_of(4),
        _ => PANELS,
    };
    let of_panels = panels.div_ceil(at_once);
    let rows_at_once = m
        .div_ceil((8 * threads).div_ceil(of_panels.max(1)))
        .clamp(ROWS[0], ROWS[1])
        .next_multiple_of(TILE_ROWS);
    for_each(of_panels * m.div_ceil(rows_at_once), |number| {
        let (i, p) = (
            number / of_panels * rows_at_once,
            number % of_panels * at_once,
        );
        let rows = [i, (i + rows_at_once).min(m)];
        let panels = [p, (p + at_once).min(panels)];
        let mut sums = Vec::<f32>::new();
        if pairs > STRETCH {
            sums.reserve_exact((rows[1] - rows[0]) * (panels[1] - panels[0]) * LANES);
        }
        let block = Block {
            set,
            sizes,
            rows,
            panels,
            x: x.as_ptr(),
            weights,
            sums: sums.as_mut_ptr(),
            out,
        };
        // SAFETY: the lengths were checked above, and blocks write different elements of `out`.
        unsafe {
            match set {
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx512Bf16 => native(&block),
                _ => widened(set, &block),
            }
        }
    });
}

for_processor!(fn widened(block: &Block<'_>) = widened_of);

#[inline(always)]
unsafe fn widened_of<V: Lanes>(block: &Block<'_>) {
    unsafe { block_of::<Widened<V>>(block) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c")]
unsafe fn native(block: &Block<'_>) {
    unsafe { block_of::<Native>(block) }
}

/// Places of a row's stretch, and room that keeps rows from competing for places of the cache.
const ROW: usize = 2 * STRETCH + LANES;

/// Rows of `x` for a tile.
#[repr(align(64))]
#[expect(dead_code, reason = "reached by a pointer")]
struct Copied([u32; TILE_ROWS * ROW]);

/// The last sums of a tile's rows.
#[repr(align(64))]
#[expect(dead_code, reason = "reached by a pointer")]
struct Last([f32; TILE_ROWS * PANELS * LANES]);

/// Panels whose lines are made at once where they are used.
const LAID_OUT: usize = 2;

/// Their lines.
#[repr(align(64))]
#[expect(dead_code, reason = "reached by a pointer")]
struct LaidOut([u32; LAID_OUT * STRETCH * LANES]);

#[inline(always)]
unsafe fn block_of<M: Multiply>(block: &Block<'_>) {
    let all = of_panel(block.sizes.k);
    let count = all.div_ceil(STRETCH).max(1);
    let length = all.div_ceil(count);
    let [first, end] = block.panels;
    let at_once = match block.weights {
        Weights::Rows(_) => LAID_OUT,
        // Few rows: memory is the limit, and it is fastest where it is read from one end to the other.
        Weights::Lines(_) if block.rows[1] - block.rows[0] <= FEW => 4,
        Weights::Lines(_) => PANELS,
    };
    for p in (first..end).step_by(at_once) {
        for number in 0..count {
            let part = Part {
                block,
                pairs: [number * length, ((number + 1) * length).min(all)],
                panels: [p, (p + at_once).min(end)],
            };
            unsafe {
                match block.weights {
                    Weights::Rows(rows) => part.few_rows::<M>(rows.as_ptr()),
                    Weights::Lines(lines) => {
                        let first = lines.as_ptr().add(p * all + part.pairs[0]);
                        part.all_rows::<M>(first.cast(), [all * LANES, AHEAD * LANES]);
                    }
                }
            }
        }
    }
}

/// A stretch of some panels.
struct Part<'a> {
    block: &'a Block<'a>,
    pairs: [usize; 2],
    panels: [usize; 2],
}

impl Part<'_> {
    fn length(&self) -> usize {
        self.pairs[1] - self.pairs[0]
    }

    /// Few rows: their panels' lines are made first.
    #[inline(always)]
    unsafe fn few_rows<M: Multiply>(&self, weights: *const bf16) {
        let mut room = MaybeUninit::<LaidOut>::uninit();
        let room = room.as_mut_ptr().cast::<u32>();
        let (from_panel, sizes) = (self.length() * LANES, self.block.sizes);
        unsafe {
            for panel in self.panels[0]..self.panels[1] {
                let columns = Columns {
                    weights,
                    columns: sizes.n,
                    k: sizes.k,
                    panel,
                    pairs: self.pairs,
                };
                let to = room.add((panel - self.panels[0]) * from_panel);
                lay_out_of::<M::Sums>(&columns, to);
            }
            self.all_rows::<M>(room, [from_panel, 0]);
        }
    }

    /// All rows of the block, with lines of a panel that begin `from_panel` behind those of the one before; the first
    /// rows that meet them read `ahead`.
    #[inline(always)]
    unsafe fn all_rows<M: Multiply>(&self, lines: *const u32, [from_panel, ahead]: [usize; 2]) {
        let mut copy = MaybeUninit::<Copied>::uninit();
        let mut sums = MaybeUninit::<Last>::uninit();
        let lines = Lines {
            first: lines,
            from_panel,
            ahead,
            copy: copy.as_mut_ptr().cast(),
            last: sums.as_mut_ptr().cast(),
        };
        let [mut i, last] = self.block.rows;
        unsafe {
            while i + TILE_ROWS <= last {
                self.rows::<M, TILE_ROWS>(i, &lines);
                i += TILE_ROWS;
            }
            match last - i {
                0 => {}
                1 => self.rows::<M, 1>(i, &lines),
                2 => self.rows::<M, 2>(i, &lines),
                3 => self.rows::<M, 3>(i, &lines),
                4 => self.rows::<M, 4>(i, &lines),
                5 => self.rows::<M, 5>(i, &lines),
                6 => self.rows::<M, 6>(i, &lines),
                _ => self.rows::<M, 7>(i, &lines),
            }
        }
    }

    #[inline(always)]
    unsafe fn rows<M: Multiply, const R: usize>(&self, i: usize, lines: &Lines) {
        let [mut p, end] = self.panels;
        unsafe {
            self.copy::<M, R>(i, lines.copy);
            while R <= FEWEST && p + 4 <= end {
                self.tile::<M, R, 4>(i, p, lines);
                p += 4;
            }
            while p + 2 <= end {
                self.tile::<M, R, 2>(i, p, lines);
                p += 2;
            }
            if p < end {
                self.tile::<M, R, 1>(i, p, lines);
            }
            self.finish([i, i + R], lines.last);
        }
    }

    #[inline(always)]
    unsafe fn copy<M: Multiply, const R: usize>(&self, i: usize, to: *mut u32) {
        let k = self.block.sizes.k;
        let [first, end] = self.pairs.map(|at| (2 * at).min(k));
        for r in 0..R {
            unsafe {
                let from = self.block.x.add((i + r) * k + first);
                M::copy(from, end - first, to.add(r * ROW));
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<M: Multiply, const R: usize, const C: usize>(
        &self,
        i: usize,
        p: usize,
        lines: &Lines,
    ) {
        unsafe {
            let mut sums = [[M::Sums::splat(0.0); C]; R];
            let first = lines.first.add((p - self.panels[0]) * lines.from_panel);
            let x = lines.copy.cast_const();
            let ahead = match i == self.block.rows[0] {
                true => lines.ahead,
                false => 0,
            };
            for at in 0..self.length() {
                for c in 0..if ahead > 0 { C } else { 0 } {
                    let line = first.wrapping_add(c * lines.from_panel + at * LANES + ahead);
                    M::Sums::prefetch(line.cast());
                }
                let mut columns = [M::columns(M::Sums::load(first.add(at * LANES).cast())); C];
                for c in 1..C {
                    let line = first.add(c * lines.from_panel + at * LANES);
                    columns[c] = M::columns(M::Sums::load(line.cast()));
                }
                for r in 0..R {
                    let row = M::row(x.add(r * ROW + at * M::PLACES));
                    for c in 0..C {
                        sums[r][c] = M::add(sums[r][c], row, columns[c]);
                    }
                }
            }
            self.store::<M, R, C>(&sums, i, p, lines.last);
        }
    }

    /// Adds sums of this stretch to those before it.
    #[inline(always)]
    unsafe fn store<M: Multiply, const R: usize, const C: usize>(
        &self,
        sums: &[[M::Sums; C]; R],
        i: usize,
        p: usize,
        last: *mut f32,
    ) {
        let block = self.block;
        let width = (block.panels[1] - block.panels[0]) * LANES;
        unsafe {
            let place = (i - block.rows[0]) * width + (p - block.panels[0]) * LANES;
            let before = block.sums.wrapping_add(place);
            let (to, stride) = match self.pairs[1] == block.sizes.k.div_ceil(2) {
                true => (last.add((p - self.panels[0]) * LANES), PANELS * LANES),
                false => (before, width),
            };
            if self.pairs[0] == 0 {
                for r in 0..R {
                    for c in 0..C {
                        sums[r][c].store(to.add(r * stride + c * LANES));
                    }
                }
                return;
            }
            for r in 0..R {
                for c in 0..C {
                    let sum = M::Sums::load(before.add(r * width + c * LANES));
                    sum.add(sums[r][c]).store(to.add(r * stride + c * LANES));
                }
            }
        }
    }

    /// Finishes rows whose last sums these are, and writes them.
    unsafe fn finish(&self, rows: [usize; 2], last: *mut f32) {
        let block = self.block;
        let (n, first) = (block.sizes.n, self.panels[0] * LANES);
        if self.pairs[1] < block.sizes.k.div_ceil(2) {
            return;
        }
        let width = (self.panels[1] * LANES).min(n) - first;
        for row in rows[0]..rows[1] {
            // SAFETY: `last` has all sums of the rows, and `out` has a place for each.
            unsafe {
                let sums = last.add((row - rows[0]) * PANELS * LANES);
                let sums = std::slice::from_raw_parts_mut(sums, width);
                match block.out {
                    Out::Bf16(finish, out) => {
                        let to = out.behind(row * n + first).pointer();
                        finish.apply(block.set, sums, [row, first, n], to);
                    }
                    Out::F32(finish, out) => {
                        finish.apply(block.set, sums, [row, first, n]);
                        let to = out.behind(row * n + first).pointer();
                        std::ptr::copy_nonoverlapping(sums.as_ptr(), to, width);
                    }
                }
            }
        }
    }
}

/// Lines of a part, and room for a tile's rows and sums.
struct Lines {
    first: *const u32,
    from_panel: usize,
    ahead: usize,
    copy: *mut u32,
    last: *mut f32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::activation::Function;

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    fn halves(count: usize, seed: u32) -> Vec<bf16> {
        numbers(count, seed)
            .into_iter()
            .map(bf16::from_f32)
            .collect()
    }

    /// The product with weights in lines, which is that with weights in rows.
    fn product(
        set: InstructionSet,
        [m, k, n]: [usize; 3],
        x: &[bf16],
        weights: &[bf16],
        finish: Finish<'_, bf16>,
    ) -> Vec<bf16> {
        let (sizes, mut lines) = (Sizes { m, n, k }, Vec::new());
        add_lines(set, weights, k, &mut lines);
        let laid_out = product_bf16(set, sizes, x, Weights::Lines(&lines), finish);
        let in_rows = product_bf16(set, sizes, x, Weights::Rows(weights), finish);
        assert_eq!(laid_out, in_rows, "{set} {m} {k} {n}");
        laid_out
    }

    #[test]
    fn products_of_bf16_have_the_same_bits_with_every_instruction_set() {
        for [m, k, n] in [
            [1, 1, 1],
            [3, 5, 2],
            [4, 3203, 7],
            [7, 37, 13],
            [101, 1607, 197],
        ] {
            let (x, weights, bias) = (halves(m * k, 1), halves(n * k, 3), numbers(n, 2));
            let finish = Finish {
                bias: Some(&bias),
                ..Finish::default()
            };
            let run = |set| product(set, [m, k, n], &x, &weights, finish);
            let expected = run(InstructionSet::Portable);
            for (at, found) in expected.iter().enumerate() {
                let (i, j) = (at / n, at % n);
                let term = |l: usize| x[i * k + l].to_f64() * weights[j * k + l].to_f64();
                let exact = f64::from(bias[j]) + (0..k).map(term).sum::<f64>();
                let far = (found.to_f64() - exact).abs();
                // Half of the last of eight places, and the roundings of the sum.
                let allowed = exact.abs() / 256.0 + 1e-5;
                assert!(far <= allowed, "{m} {k} {n} at {at}: {found}, {exact}");
            }
            for set in InstructionSet::available() {
                assert_eq!(run(set), expected, "{set} {m} {k} {n}");
            }
        }
    }

    #[test]
    fn a_row_of_bf16_gives_the_same_bits_alone_and_among_others_with_any_number_of_threads() {
        let (k, n) = (1607, 97);
        let weights = halves(n * k, 3);
        let run = |x: &[bf16]| {
            let m = x.len() / k;
            let finish = Finish::default();
            product(InstructionSet::best(), [m, k, n], x, &weights, finish)
        };
        for m in [2, 3, 4, 5, 8, 17, 101] {
            let x = halves(m * k, m as u32);
            let alone: Vec<bf16> = x.chunks(k).flat_map(run).collect();
            assert_eq!(run(&x), alone, "{m} rows");
            let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
            assert_eq!(pool.expect("threads").install(|| run(&x)), alone);
        }
    }

    #[test]
    fn a_function_and_a_stream_come_before_the_rounding_with_every_instruction_set() {
        for [m, k, n] in [[3, 7, 67], [19, 1031, 45], [2, 37, 71]] {
            let (x, weights) = (halves(m * k, 1), halves(n * k, 3));
            let (bias, stream) = (numbers(n, 2), halves(m * n, 5));
            let finish = Finish {
                bias: Some(&bias),
                function: Some(Function::SquaredRelu),
                stream: Some(&stream),
            };
            let run = |set| product(set, [m, k, n], &x, &weights, finish);
            let expected = run(InstructionSet::Portable);
            for (at, found) in expected.iter().enumerate() {
                let (i, j) = (at / n, at % n);
                let term = |l: usize| x[i * k + l].to_f64() * weights[j * k + l].to_f64();
                let sum = f64::from(bias[j]) + (0..k).map(term).sum::<f64>();
                let exact = stream[at].to_f64() + sum.max(0.0).powi(2);
                let allowed = exact.abs() / 256.0 + 1e-4;
                assert!(
                    (found.to_f64() - exact).abs() <= allowed,
                    "{at}: {found}, {exact}"
                );
            }
            for set in InstructionSet::available() {
                assert_eq!(run(set), expected, "{set} {m} {k} {n}");
            }
        }
    }
}
