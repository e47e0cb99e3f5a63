//! `x W^T` with both operands as they lie: rows of length `k`, as checkpoints have them. Nothing is
//! packed or copied, so a product with one row reads each weight once and no more, and a product
//! with a thousand needs no second copy of the weights.
//!
//! Every sum is made in one order that depends on `k` alone: lanes over a stretch of at most
//! [`STRETCH`] bytes, the lanes together, the stretches one after the other. So a row gives the same
//! bits alone and among others, with one thread and with many.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};
use crate::cpu::tasks::for_each;
use half::{bf16, f16};

/// Most bytes of a row in a sum's stretch: the rows of a tile stay in the first cache.
const STRETCH: usize = 3072;

/// Bytes of weights that are asked for before they are read, where rows are few: from one page of memory to the next
/// the processor does not do it by itself.
const AHEAD: usize = 4096;

/// Columns of a block: their stretches stay in the second cache while rows pass.
const BLOCK_COLUMNS: usize = 192;

/// Rows of a block at least and at most: what one thread takes at once.
const BLOCK_ROWS: [usize; 2] = [96, 384];

/// Rows of weights, as they are stored.
#[derive(Clone, Copy)]
pub(crate) enum Rows<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
    F16(&'a [f16]),
}

impl Rows<'_> {
    fn len(&self) -> usize {
        match self {
            Rows::F32(rows) => rows.len(),
            Rows::Bf16(rows) => rows.len(),
            Rows::F16(rows) => rows.len(),
        }
    }
}

/// Sizes of a product: `[m, k] x [n, k]^T -> [m, n]`.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
}

impl Sizes {
    pub(crate) fn check(self, x: usize, weights: usize) {
        let Self { m, n, k } = self;
        assert_eq!((x, weights), (m * k, n * k), "sizes of a product");
    }

    /// Calls `task` for blocks that are all of the product, on all threads.
    fn blocks(self, task: impl Fn([[usize; 2]; 2]) + Sync) {
        let Self { m, n, .. } = self;
        if m == 0 || n == 0 {
            return;
        }
        let columns_at_once = match m {
            // Few rows read the weights once: enough blocks that threads end together.
            0..=16 => n
                .div_ceil(4 * rayon::current_num_threads())
                .clamp(4, BLOCK_COLUMNS)
                .next_multiple_of(4),
            _ => BLOCK_COLUMNS,
        };
        let columns = n.div_ceil(columns_at_once);
        // The more rows meet a block's columns, the less often these are read; but none is to wait long for
        // the last block.
        let wanted = (8 * rayon::current_num_threads()).div_ceil(columns);
        let rows_at_once = m
            .div_ceil(wanted)
            .clamp(BLOCK_ROWS[0], BLOCK_ROWS[1])
            .next_multiple_of(6);
        let rows = m.div_ceil(rows_at_once);
        for_each(columns * rows, |number| {
            let (i, j) = (
                number / columns * rows_at_once,
                number % columns * columns_at_once,
            );
            task([
                [i, (i + rows_at_once).min(m)],
                [j, (j + columns_at_once).min(n)],
            ]);
        });
    }
}

/// `x W^T + bias`, `[m, n]`.
///
/// # Panics
/// If a slice is not as long as `sizes` say.
pub(crate) fn product(
    set: InstructionSet,
    sizes: Sizes,
    x: &[f32],
    weights: Rows<'_>,
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let Sizes { m, n, k } = sizes;
    sizes.check(x.len(), weights.len());
    assert!(bias.is_none_or(|bias| bias.len() == n), "length of a bias");
    let mut product = Vec::with_capacity(m * n);
    let out = Shared::unwritten(&mut product);
    sizes.blocks(|[rows, columns]| {
        let block = Block {
            rows,
            columns,
            k,
            x: x.as_ptr(),
            x_stride: k,
            bias: bias.map_or(std::ptr::null(), <[f32]>::as_ptr),
            // SAFETY: the block lies within `out`.
            out: unsafe { out.behind(rows[0] * n + columns[0]) }.pointer(),
            stride: n,
        };
        // SAFETY: the lengths were checked above, and blocks write different elements of `out`.
        unsafe {
            match weights {
                Rows::F32(rows) => block_f32(set, &block, rows.as_ptr()),
                Rows::Bf16(rows) => block_bf16(set, &block, rows.as_ptr()),
                Rows::F16(rows) => block_f16(set, &block, rows.as_ptr()),
            }
        }
    });
    // SAFETY: the blocks are all of it, and each wrote its elements.
    unsafe { product.set_len(m * n) };
    product
}

/// A pointer that threads write through, to different places.
#[derive(Debug)]
pub(crate) struct Shared<T = f32>(*mut T);
// SAFETY: whoever writes through it writes to places of his own.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) fn new(to: &mut [T]) -> Self {
        Self(to.as_mut_ptr())
    }
    /// The capacity of a vector that nothing was written to yet.
    pub(crate) fn unwritten(to: &mut Vec<T>) -> Self {
        Self(to.as_mut_ptr())
    }
    /// # Safety
    /// There must be more than `elements` behind the pointer.
    pub(crate) unsafe fn behind(self, elements: usize) -> Self {
        Self(unsafe { self.0.add(elements) })
    }

    pub(crate) fn pointer(self) -> *mut T {
        self.0
    }
}

/// Some rows and columns of a product.
struct Block<X> {
    rows: [usize; 2],
    columns: [usize; 2],
    k: usize,
    x: *const X,
    /// From a row of `x` to the next.
    x_stride: usize,
    bias: *const f32,
    /// The sum of the first row and column.
    out: *mut f32,
    /// From a row of sums to the next.
    stride: usize,
}

/// How numbers of two types are multiplied.
trait Multiply {
    /// What `x` is made of.
    type X: Copy + Default;
    /// What the weights are made of.
    type Weight: Copy + Default;
    /// The sums.
    type Sums: Lanes;
    /// Numbers of a row in a register.
    type Operand: Copy;
    /// Numbers of a row that are added to the lanes of a sum at once.
    const STEP: usize;
    /// Numbers of a stretch at most.
    const LONGEST: usize;
    unsafe fn row(from: *const Self::X) -> Self::Operand;
    unsafe fn column(from: *const Self::Weight) -> Self::Operand;
    unsafe fn add(sums: Self::Sums, row: Self::Operand, column: Self::Operand) -> Self::Sums;
}

/// Rows of f32 and weights that are widened to it.
struct Widened<V, W>(PhantomData<(V, W)>);

macro_rules! widened {
    ($type:ty, $load:ident) => {
        impl<V: Lanes> Multiply for Widened<V, $type> {
            type X = f32;
            type Weight = $type;
            type Sums = V;
            type Operand = V;
            const STEP: usize = LANES;
            const LONGEST: usize = STRETCH / size_of::<f32>();
            #[inline(always)]
            unsafe fn row(from: *const f32) -> V {
                unsafe { V::load(from) }
            }
            #[inline(always)]
            unsafe fn column(from: *const $type) -> V {
                unsafe { V::$load(from) }
            }
            #[inline(always)]
            unsafe fn add(sums: V, row: V, column: V) -> V {
                unsafe { row.mul_add(column, sums) }
            }
        }
    };
}
widened!(f32, load);
widened!(bf16, load_bf16);
widened!(f16, load_f16);

for_processor!(fn block_f32(block: &Block<f32>, weights: *const f32) = of_f32);
for_processor!(fn block_bf16(block: &Block<f32>, weights: *const bf16) = of_bf16);
for_processor!(fn block_f16(block: &Block<f32>, weights: *const f16) = of_f16);

#[inline(always)]
unsafe fn of_f32<V: Lanes>(block: &Block<f32>, weights: *const f32) {
    unsafe { block_of::<Widened<V, f32>>(block, weights) }
}

#[inline(always)]
unsafe fn of_bf16<V: Lanes>(block: &Block<f32>, weights: *const bf16) {
    unsafe { block_of::<Widened<V, bf16>>(block, weights) }
}

#[inline(always)]
unsafe fn of_f16<V: Lanes>(block: &Block<f32>, weights: *const f16) {
    unsafe { block_of::<Widened<V, f16>>(block, weights) }
}

#[inline(always)]
unsafe fn block_of<M: Multiply>(block: &Block<M::X>, weights: *const M::Weight) {
    unsafe {
        match block.rows[1] - block.rows[0] {
            1 => column_by_column::<M, 1>(block, weights),
            2 => column_by_column::<M, 2>(block, weights),
            3 => column_by_column::<M, 3>(block, weights),
            4 => column_by_column::<M, 4>(block, weights),
            _ => stretch_by_stretch::<M>(block, weights),
        }
    }
}

/// Where a sum's stretches begin and end.
fn stretches<M: Multiply>(k: usize) -> impl Iterator<Item = [usize; 2]> {
    let count = k.div_ceil(M::LONGEST).max(1);
    let length = k.div_ceil(count).next_multiple_of(M::STEP);
    (0..count).map(move |i| [i * length, (i + 1) * length].map(|at| at.min(k)))
}

/// Few rows: memory is the limit, and it is fastest where it is read from one end to the other.
#[inline(always)]
unsafe fn column_by_column<M: Multiply, const R: usize>(
    block: &Block<M::X>,
    weights: *const M::Weight,
) {
    for j in block.columns[0]..block.columns[1] {
        for k in stretches::<M>(block.k) {
            unsafe {
                let x = (
                    block.x.add(block.rows[0] * block.x_stride + k[0]),
                    block.x_stride,
                );
                let ahead = AHEAD / size_of::<M::Weight>();
                tile::<M, R, 1>(block, x, (weights, ahead), k, [block.rows[0], j]);
            }
        }
    }
}

/// Many rows: a stretch of the weights stays in the cache while they pass.
#[inline(always)]
unsafe fn stretch_by_stretch<M: Multiply>(block: &Block<M::X>, weights: *const M::Weight) {
    for k in stretches::<M>(block.k) {
        unsafe {
            match M::Sums::TILE {
                [6, 4] => stretch_of::<M, 6, 4>(block, weights, k),
                [3, 2] => stretch_of::<M, 3, 2>(block, weights, k),
                _ => stretch_of::<M, 1, 4>(block, weights, k),
            }
        }
    }
}

/// Numbers behind each row of a copy: its length is not a power of two, so that rows do not compete for
/// the same places of the cache.
const APART: usize = 32;

/// Bytes of a copied row at most.
const COPIED: usize = STRETCH + APART * size_of::<f32>();

/// Rows of a tile at most.
const TILE_ROWS: usize = 6;

/// Room for the stretches of a tile's rows.
#[repr(align(64))]
#[expect(dead_code, reason = "reached by a pointer")]
struct Copied([u8; TILE_ROWS * COPIED]);

#[inline(always)]
unsafe fn stretch_of<M: Multiply, const R: usize, const C: usize>(
    block: &Block<M::X>,
    weights: *const M::Weight,
    k: [usize; 2],
) {
    let [mut i, last] = block.rows;
    let mut copy = MaybeUninit::<Copied>::uninit();
    let copy = copy.as_mut_ptr().cast();
    unsafe {
        while i + R <= last {
            columns_of::<M, R, C>(block, weights, k, i, copy);
            i += R;
        }
        match last - i {
            0 => {}
            1 => columns_of::<M, 1, C>(block, weights, k, i, copy),
            2 => columns_of::<M, 2, C>(block, weights, k, i, copy),
            3 => columns_of::<M, 3, C>(block, weights, k, i, copy),
            4 => columns_of::<M, 4, C>(block, weights, k, i, copy),
            _ => columns_of::<M, 5, C>(block, weights, k, i, copy),
        }
    }
}

/// All columns of a block for `R` rows of `x`; where a stretch is a part of them, of a copy.
#[inline(always)]
unsafe fn columns_of<M: Multiply, const R: usize, const C: usize>(
    block: &Block<M::X>,
    weights: *const M::Weight,
    k: [usize; 2],
    i: usize,
    copy: *mut M::X,
) {
    let [mut j, last] = block.columns;
    let (length, stride) = (k[1] - k[0], M::LONGEST + APART);
    unsafe {
        let rows = block.x.add(i * block.x_stride + k[0]);
        let x = match length == block.k {
            true => (rows, block.x_stride),
            false => {
                for r in 0..R {
                    let to = copy.add(r * stride);
                    std::ptr::copy_nonoverlapping(rows.add(r * block.x_stride), to, length);
                }
                (copy.cast_const(), stride)
            }
        };
        // The first rows meet columns that no cache holds: those of the next tile are asked for.
        let ahead = match i == block.rows[0] {
            true => C * block.k,
            false => 0,
        };
        while j + C <= last {
            tile::<M, R, C>(block, x, (weights, ahead), k, [i, j]);
            j += C;
        }
        while j < last {
            tile::<M, R, 1>(block, x, (weights, 0), k, [i, j]);
            j += 1;
        }
    }
}

/// The first `n` numbers and zeros behind them, as many as any step has.
#[inline(always)]
unsafe fn padded<T: Copy + Default>(from: *const T, n: usize) -> [T; LANES] {
    let mut all = [T::default(); LANES];
    unsafe { std::ptr::copy_nonoverlapping(from, all.as_mut_ptr(), n) };
    all
}

/// What sums without a bias start from.
static ZEROS: [f32; 4] = [0.0; 4];

/// `R x C` sums over a stretch, in registers. `x` are the stretches of the rows, and the numbers from
/// one to the next; with the weights comes how many numbers before they are read they are asked for, if at all.
#[inline(always)]
unsafe fn tile<M: Multiply, const R: usize, const C: usize>(
    block: &Block<M::X>,
    (x, x_stride): (*const M::X, usize),
    (weights, ahead): (*const M::Weight, usize),
    [start, end]: [usize; 2],
    [i, j]: [usize; 2],
) {
    unsafe {
        let w = weights.add(j * block.k);
        let zero = M::Sums::splat(0.0);
        let mut sums = [[zero; C]; R];
        let mut at = start;
        while at + M::STEP <= end {
            for c in 0..if ahead > 0 { C } else { 0 } {
                M::Sums::prefetch(w.wrapping_add(c * block.k + at + ahead).cast());
            }
            let mut columns = [M::column(w.add(at)); C];
            for c in 1..C {
                columns[c] = M::column(w.add(c * block.k + at));
            }
            for r in 0..R {
                let row = M::row(x.add(r * x_stride + at - start));
                for c in 0..C {
                    sums[r][c] = M::add(sums[r][c], row, columns[c]);
                }
            }
            at += M::STEP;
        }
        if at < end {
            let left = end - at;
            for c in 0..C {
                let column = padded(w.add(c * block.k + at), left);
                for r in 0..R {
                    let row = padded(x.add(r * x_stride + at - start), left);
                    let (row, column) = (M::row(row.as_ptr()), M::column(column.as_ptr()));
                    sums[r][c] = M::add(sums[r][c], row, column);
                }
            }
        }
        let out = block
            .out
            .add((i - block.rows[0]) * block.stride + j - block.columns[0]);
        // What the sums of row `r` are added to.
        let before = |r: usize| match (start, block.bias.is_null()) {
            (0, true) => ZEROS.as_ptr(),
            (0, false) => block.bias.add(j),
            _ => out.add(r * block.stride).cast_const(),
        };
        let mut four = [zero; 4];
        if C == 4 {
            for r in 0..R {
                four.copy_from_slice(&sums[r]);
                M::Sums::store_sums(four, before(r), out.add(r * block.stride));
            }
            return;
        }
        if C == 1 && R <= 4 {
            for r in 0..R {
                four[r] = sums[r][0];
            }
            let totals = M::Sums::sums(four);
            for r in 0..R {
                *out.add(r * block.stride) = *before(r) + totals[r];
            }
            return;
        }
        for r in 0..R {
            four[..C].copy_from_slice(&sums[r]);
            let totals = M::Sums::sums(four);
            for c in 0..C {
                *out.add(r * block.stride + c) = *before(r).add(c) + totals[c];
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

    #[test]
    fn every_instruction_set_gives_the_sums_for_sizes_that_no_tile_divides() {
        // Few rows and many, stretches of one and of three parts, blocks of one and of two.
        for [m, k, n] in [
            [1, 1, 1],
            [3, 5, 2],
            [4, 1601, 7],
            [7, 37, 13],
            [101, 809, 197],
        ] {
            let (x, bias) = (numbers(m * k, 1), numbers(n, 2));
            let weights: Vec<bf16> = numbers(n * k, 3).into_iter().map(bf16::from_f32).collect();
            let wide: Vec<f32> = weights.iter().map(|w| w.to_f32()).collect();
            let halves: Vec<f16> = wide.iter().map(|&w| f16::from_f32(w)).collect();
            for set in InstructionSet::available() {
                let run = |rows| product(set, Sizes { m, n, k }, &x, rows, Some(&bias));
                let found = run(Rows::F32(&wide));
                assert_eq!(found, run(Rows::Bf16(&weights)), "{set:?}");
                assert_eq!(found.len(), m * n);
                let in_halves = run(Rows::F16(&halves));
                for (at, (found, in_halves)) in found.iter().zip(in_halves).enumerate() {
                    let (i, j) = (at / n, at % n);
                    let term = |l: usize| f64::from(x[i * k + l]) * f64::from(wide[j * k + l]);
                    let expected = f64::from(bias[j]) + (0..k).map(term).sum::<f64>();
                    let far = (f64::from(*found) - expected).abs();
                    assert!(far < 1e-5, "{set:?} {m} {k} {n} at {at}: {far}");
                    assert!(
                        (found - in_halves).abs() < 2e-2,
                        "{set:?} {m} {k} {n} at {at}"
                    );
                }
            }
        }
    }
}
