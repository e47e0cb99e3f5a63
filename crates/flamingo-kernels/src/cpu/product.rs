//! `x W^T` with both operands as they lie: rows of length `k`, as checkpoints have them. Nothing is
//! packed or copied, so a product with one row reads each weight once and no more, and a product
//! with a thousand needs no second copy of the weights.
//!
//! Every sum is made in one order that depends on `k` alone: lanes over a stretch of at most
//! [`STRETCH`], the lanes together, the stretches one after the other. So a row gives the same bits
//! alone and among others, with one thread and with many.

use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};
use crate::cpu::tasks::for_each;
use half::{bf16, f16};

/// Most elements of a sum's stretch: the rows of a tile stay in the first cache.
const STRETCH: usize = 768;

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
    assert_eq!(
        (x.len(), weights.len()),
        (m * k, n * k),
        "sizes of a product"
    );
    assert!(bias.is_none_or(|bias| bias.len() == n), "length of a bias");
    if m == 0 || n == 0 {
        return Vec::new();
    }
    let mut product = Vec::with_capacity(m * n);
    let out = Shared::unwritten(&mut product);
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
    for_each(columns * rows, |task| {
        let (i, j) = (
            task / columns * rows_at_once,
            task % columns * columns_at_once,
        );
        let block = Block {
            rows: [i, (i + rows_at_once).min(m)],
            columns: [j, (j + columns_at_once).min(n)],
            n,
            k,
            x: x.as_ptr(),
            bias: bias.map_or(std::ptr::null(), <[f32]>::as_ptr),
            out: out.pointer(),
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
#[derive(Clone, Copy)]
pub(crate) struct Shared(*mut f32);
unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn new(to: &mut [f32]) -> Self {
        Self(to.as_mut_ptr())
    }
    /// The capacity of a vector that nothing was written to yet.
    pub(crate) fn unwritten(to: &mut Vec<f32>) -> Self {
        Self(to.as_mut_ptr())
    }
    /// # Safety
    /// There must be more than `elements` behind the pointer.
    pub(crate) unsafe fn behind(self, elements: usize) -> Self {
        Self(unsafe { self.0.add(elements) })
    }

    pub(crate) fn pointer(self) -> *mut f32 {
        self.0
    }
}

struct Block {
    rows: [usize; 2],
    columns: [usize; 2],
    n: usize,
    k: usize,
    x: *const f32,
    bias: *const f32,
    out: *mut f32,
}

/// A type that weights are stored in.
trait Stored: Copy {
    unsafe fn load<V: Lanes>(from: *const Self) -> V;
    unsafe fn load_first<V: Lanes>(from: *const Self, n: usize) -> V;
}

impl Stored for f32 {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const f32) -> V {
        unsafe { V::load(from) }
    }
    #[inline(always)]
    unsafe fn load_first<V: Lanes>(from: *const f32, n: usize) -> V {
        unsafe { V::load_first(from, n, 0.0) }
    }
}

macro_rules! stored {
    ($type:ty, $load:ident) => {
        impl Stored for $type {
            #[inline(always)]
            unsafe fn load<V: Lanes>(from: *const $type) -> V {
                unsafe { V::$load(from) }
            }
            #[inline(always)]
            unsafe fn load_first<V: Lanes>(from: *const $type, n: usize) -> V {
                let mut lanes = [<$type>::ZERO; LANES];
                unsafe {
                    std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), n);
                    V::$load(lanes.as_ptr())
                }
            }
        }
    };
}
stored!(bf16, load_bf16);
stored!(f16, load_f16);

for_processor!(fn block_f32(block: &Block, weights: *const f32) = block_of);
for_processor!(fn block_bf16(block: &Block, weights: *const bf16) = block_of);
for_processor!(fn block_f16(block: &Block, weights: *const f16) = block_of);

#[inline(always)]
unsafe fn block_of<V: Lanes>(block: &Block, weights: *const impl Stored) {
    unsafe {
        match block.rows[1] - block.rows[0] {
            1 => column_by_column::<V, _, 1>(block, weights),
            2 => column_by_column::<V, _, 2>(block, weights),
            3 => column_by_column::<V, _, 3>(block, weights),
            4 => column_by_column::<V, _, 4>(block, weights),
            _ => stretch_by_stretch::<V, _>(block, weights),
        }
    }
}

/// Where a sum's stretches begin and end.
fn stretches(k: usize) -> impl Iterator<Item = [usize; 2]> {
    let count = k.div_ceil(STRETCH).max(1);
    let length = k.div_ceil(count).next_multiple_of(LANES);
    (0..count).map(move |i| [i * length, (i + 1) * length].map(|at| at.min(k)))
}

/// Few rows: memory is the limit, and it is fastest where it is read from one end to the other.
#[inline(always)]
unsafe fn column_by_column<V: Lanes, W: Stored, const R: usize>(block: &Block, weights: *const W) {
    for j in block.columns[0]..block.columns[1] {
        for k in stretches(block.k) {
            unsafe {
                let x = (block.x.add(block.rows[0] * block.k + k[0]), block.k);
                tile::<V, W, R, 1>(block, x, weights, k, [block.rows[0], j]);
            }
        }
    }
}

/// Many rows: a stretch of the weights stays in the cache while they pass.
#[inline(always)]
unsafe fn stretch_by_stretch<V: Lanes, W: Stored>(block: &Block, weights: *const W) {
    for k in stretches(block.k) {
        unsafe {
            match V::TILE {
                [6, 4] => stretch_of::<V, W, 6, 4>(block, weights, k),
                [3, 2] => stretch_of::<V, W, 3, 2>(block, weights, k),
                _ => stretch_of::<V, W, 1, 4>(block, weights, k),
            }
        }
    }
}

/// Elements between the rows of a copy: not a power of two, so that rows do not compete for the same
/// places of the cache.
const COPY_STRIDE: usize = STRETCH + LANES;

#[inline(always)]
unsafe fn stretch_of<V: Lanes, W: Stored, const R: usize, const C: usize>(
    block: &Block,
    weights: *const W,
    k: [usize; 2],
) {
    let [mut i, last] = block.rows;
    let mut copy = [0.0f32; 6 * COPY_STRIDE];
    unsafe {
        while i + R <= last {
            columns_of::<V, W, R, C>(block, weights, k, i, &mut copy);
            i += R;
        }
        match last - i {
            0 => {}
            1 => columns_of::<V, W, 1, C>(block, weights, k, i, &mut copy),
            2 => columns_of::<V, W, 2, C>(block, weights, k, i, &mut copy),
            3 => columns_of::<V, W, 3, C>(block, weights, k, i, &mut copy),
            4 => columns_of::<V, W, 4, C>(block, weights, k, i, &mut copy),
            _ => columns_of::<V, W, 5, C>(block, weights, k, i, &mut copy),
        }
    }
}

/// All columns of a block for `R` rows of `x`; where a stretch is a part of them, of a copy.
#[inline(always)]
unsafe fn columns_of<V: Lanes, W: Stored, const R: usize, const C: usize>(
    block: &Block,
    weights: *const W,
    k: [usize; 2],
    i: usize,
    copy: &mut [f32; 6 * COPY_STRIDE],
) {
    let [mut j, last] = block.columns;
    let length = k[1] - k[0];
    unsafe {
        let rows = block.x.add(i * block.k + k[0]);
        let x = match length == block.k {
            true => (rows, block.k),
            false => {
                for r in 0..R {
                    let to = copy.as_mut_ptr().add(r * COPY_STRIDE);
                    std::ptr::copy_nonoverlapping(rows.add(r * block.k), to, length);
                }
                (copy.as_ptr(), COPY_STRIDE)
            }
        };
        while j + C <= last {
            tile::<V, W, R, C>(block, x, weights, k, [i, j]);
            j += C;
        }
        while j < last {
            tile::<V, W, R, 1>(block, x, weights, k, [i, j]);
            j += 1;
        }
    }
}

/// `R x C` sums over a stretch, in registers. `x` are the stretches of the rows, and the elements from
/// one to the next.
#[inline(always)]
unsafe fn tile<V: Lanes, W: Stored, const R: usize, const C: usize>(
    block: &Block,
    (x, x_stride): (*const f32, usize),
    weights: *const W,
    [start, end]: [usize; 2],
    [i, j]: [usize; 2],
) {
    unsafe {
        let w = weights.add(j * block.k);
        let mut sums = [[V::splat(0.0); C]; R];
        let mut at = start;
        while at + LANES <= end {
            let mut columns = [V::splat(0.0); C];
            for c in 0..C {
                columns[c] = W::load(w.add(c * block.k + at));
            }
            for r in 0..R {
                let row = V::load(x.add(r * x_stride + at - start));
                for c in 0..C {
                    sums[r][c] = row.mul_add(columns[c], sums[r][c]);
                }
            }
            at += LANES;
        }
        if at < end {
            let left = end - at;
            for c in 0..C {
                let column: V = W::load_first(w.add(c * block.k + at), left);
                for r in 0..R {
                    let row = V::load_first(x.add(r * x_stride + at - start), left, 0.0);
                    sums[r][c] = row.mul_add(column, sums[r][c]);
                }
            }
        }
        let put = |r: usize, c: usize, total: f32| {
            let out = block.out.add((i + r) * block.n + j + c);
            let before = match (start, block.bias.is_null()) {
                (0, true) => 0.0,
                (0, false) => *block.bias.add(j + c),
                _ => *out,
            };
            *out = before + total;
        };
        let mut four = [V::splat(0.0); 4];
        if C == 1 && R <= 4 {
            for r in 0..R {
                four[r] = sums[r][0];
            }
            let totals = V::sums(four);
            for r in 0..R {
                put(r, 0, totals[r]);
            }
            return;
        }
        for r in 0..R {
            four[..C].copy_from_slice(&sums[r]);
            let totals = V::sums(four);
            for c in 0..C {
                put(r, c, totals[c]);
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
