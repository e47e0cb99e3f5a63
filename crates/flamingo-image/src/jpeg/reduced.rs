//! Blocks of fewer samples: a picture at a half, a quarter or an eighth of its size, as libjpeg reads it.
//!
//! The inverse cosine transform of 4 x 4, 2 x 2 or 1 samples for each block of 8 x 8, which takes the
//! mean of the whole transform's outputs: a butterfly of Loeffler, Ligtenberg and Moschytz's transform
//! whose last stage is left out, so that coefficients which cancel in the means are not looked at. In
//! fixed point as in [`cosine`](super::cosine), with one more bit for each halving.

use super::cosine::{
    AFTER_COLUMNS, AFTER_ROWS, Block, CONSTANT, F_0_765, F_0_899, F_1_847, F_2_562, flat_sample,
};

// Sums of cosines of odd sixteenths of a half turn, times the square root of 2, with 13 bits of fraction.
const F_0_211: i32 = 1730;
const F_0_509: i32 = 4176;
const F_0_601: i32 = 4926;
const F_0_720: i32 = 5906;
const F_0_850: i32 = 6967;
const F_1_061: i32 = 8697;
const F_1_272: i32 = 10_426;
const F_1_451: i32 = 11_893;
const F_2_172: i32 = 17_799;
const F_3_624: i32 = 29_692;

/// Writes `side` rows of `side` samples of a block, and clears it. `side` is 1, 2 or 4; the rest is as
/// for [`inverse`](super::cosine::inverse).
pub(super) fn reduced<const WIDE: bool>(
    block: &mut Block,
    quantiser: &Block,
    flat: bool,
    side: usize,
    out: &mut [u8],
    stride: usize,
) {
    #[cfg(target_arch = "x86_64")]
    if WIDE {
        // SAFETY: `WIDE` is given by functions that have these instructions alone.
        return unsafe { reduced_wide(block, quantiser, flat, side, out, stride) };
    }
    write(block, quantiser, flat, side, out, stride);
}

/// The same, where compilers may use wider instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn reduced_wide(
    block: &mut Block,
    quantiser: &Block,
    flat: bool,
    side: usize,
    out: &mut [u8],
    stride: usize,
) {
    write(block, quantiser, flat, side, out, stride);
}

#[inline(always)]
fn write(
    block: &mut Block,
    quantiser: &Block,
    flat: bool,
    side: usize,
    out: &mut [u8],
    stride: usize,
) {
    if flat || side == 1 {
        let sample = flat_sample(block, quantiser);
        for row in out.chunks_mut(stride).take(side) {
            row[..side].fill(sample);
        }
    } else if side == 2 {
        rows(two_by_two(block, quantiser), out, stride);
    } else {
        rows(four_by_four(block, quantiser), out, stride);
    }
    block.0.fill(0);
}

#[inline(always)]
fn rows<const N: usize>(samples: [[i16; N]; N], out: &mut [u8], stride: usize) {
    for (row, samples) in out.chunks_mut(stride).zip(samples) {
        row[..N].copy_from_slice(&samples.map(|value| (value.clamp(-128, 127) + 128) as u8));
    }
}

#[inline(always)]
fn four_by_four(block: &Block, quantiser: &Block) -> [[i16; 4]; 4] {
    let columns = four::<8, { AFTER_COLUMNS + 1 }>(dequantised(block, quantiser));
    transposed(four::<4, { AFTER_ROWS + 1 }>(transposed(columns)))
}

#[inline(always)]
fn two_by_two(block: &Block, quantiser: &Block) -> [[i16; 2]; 2] {
    let columns = two::<8, { AFTER_COLUMNS + 2 }>(dequantised(block, quantiser));
    transposed(two::<2, { AFTER_ROWS + 2 }>(transposed(columns)))
}

#[inline(always)]
fn dequantised(block: &Block, quantiser: &Block) -> [[i16; 8]; 8] {
    std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            let at = 8 * row + column;
            block.0[at].wrapping_mul(quantiser.0[at])
        })
    })
}

#[inline(always)]
fn transposed<const ROWS: usize, const COLUMNS: usize>(
    rows: [[i16; COLUMNS]; ROWS],
) -> [[i16; ROWS]; COLUMNS] {
    std::array::from_fn(|x| std::array::from_fn(|y| rows[y][x]))
}

/// Four outputs of each of `N` columns of eight coefficients; the fifth of these cancels.
#[inline(always)]
fn four<const N: usize, const SHIFT: i32>(x: [[i16; N]; 8]) -> [[i16; N]; 4] {
    let mut out = [[0; N]; 4];
    for lane in 0..N {
        let x = |at: usize| i32::from(x[at][lane]);
        let first = x(0) << (CONSTANT + 1);
        let even = x(2) * F_1_847 - x(6) * F_0_765;
        let outer = x(1) * F_2_562 + x(3) * F_0_899 - x(5) * F_0_601 - x(7) * F_0_509;
        let inner = x(1) * F_1_061 - x(3) * F_2_172 + x(5) * F_1_451 - x(7) * F_0_211;
        let (high, low) = (first.wrapping_add(even), first.wrapping_sub(even));
        out[0][lane] = shifted::<SHIFT>(high, outer);
        out[1][lane] = shifted::<SHIFT>(low, inner);
        out[2][lane] = shifted::<SHIFT>(low, -inner);
        out[3][lane] = shifted::<SHIFT>(high, -outer);
    }
    out
}

/// Two outputs of each of `N` columns of eight coefficients; the even ones but the first cancel.
#[inline(always)]
fn two<const N: usize, const SHIFT: i32>(x: [[i16; N]; 8]) -> [[i16; N]; 2] {
    let mut out = [[0; N]; 2];
    for lane in 0..N {
        let x = |at: usize| i32::from(x[at][lane]);
        let first = x(0) << (CONSTANT + 2);
        let odd = (x(1) * F_3_624 - x(3) * F_1_272).wrapping_add(x(5) * F_0_850 - x(7) * F_0_720);
        out[0][lane] = shifted::<SHIFT>(first, odd);
        out[1][lane] = shifted::<SHIFT>(first, odd.wrapping_neg());
    }
    out
}

/// A sum without its fraction, rounded, in 16 bits.
#[inline(always)]
fn shifted<const SHIFT: i32>(a: i32, b: i32) -> i16 {
    let sum = a.wrapping_add(b).wrapping_add(1 << (SHIFT - 1));
    (sum >> SHIFT).clamp(i16::MIN.into(), i16::MAX.into()) as i16
}
