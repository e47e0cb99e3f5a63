//! The inverse cosine transform: libjpeg's slow and accurate one, as its vector units compute it.
//!
//! Loeffler, Ligtenberg and Moschytz's transform with 11 multiplications, in 13-bit fixed point: the
//! columns first, whose results keep 2 bits of fraction, then the rows. Values between the two are
//! 16 bits wide.

/// One block: 8 rows of 8 coefficients, or of samples between the passes.
#[repr(C, align(32))]
#[derive(Clone)]
pub(super) struct Block(pub(super) [i16; 64]);

/// Fraction bits of the constants, and of the values between the passes.
pub(super) const CONSTANT: i32 = 13;
const BETWEEN: i32 = 2;
pub(super) const AFTER_COLUMNS: i32 = CONSTANT - BETWEEN;
/// 3 more: the transform of 8 x 8 multiplies by 8.
pub(super) const AFTER_ROWS: i32 = CONSTANT + BETWEEN + 3;

const F_0_298: i32 = 2446;
const F_0_390: i32 = 3196;
const F_0_541: i32 = 4433;
pub(super) const F_0_765: i32 = 6270;
pub(super) const F_0_899: i32 = 7373;
const F_1_175: i32 = 9633;
const F_1_501: i32 = 12_299;
pub(super) const F_1_847: i32 = 15_137;
const F_1_961: i32 = 16_069;
const F_2_053: i32 = 16_819;
pub(super) const F_2_562: i32 = 20_995;
const F_3_072: i32 = 25_172;

/// Writes the samples of a block to the 8 rows of `out`, `stride` bytes apart, and clears it.
/// `flat` says that all but its first coefficient are 0.
#[inline(always)]
pub(super) fn inverse<const WIDE: bool>(
    block: &mut Block,
    quantiser: &Block,
    flat: bool,
    out: &mut [u8],
    stride: usize,
) {
    if flat {
        let sample = flat_sample(block, quantiser);
        for row in out.chunks_mut(stride).take(8) {
            row[..8].fill(sample);
        }
        block.0[0] = 0;
        return;
    }
    #[cfg(target_arch = "x86_64")]
    let samples = if WIDE {
        // SAFETY: `WIDE` is given by functions that have these instructions alone.
        unsafe { wide::samples(block, quantiser) }
    } else {
        samples(block, quantiser)
    };
    #[cfg(not(target_arch = "x86_64"))]
    let samples = samples(block, quantiser);
    for (row, samples) in out.chunks_mut(stride).zip(samples) {
        row[..8].copy_from_slice(&samples);
    }
    block.0.fill(0);
}

/// Each sample of a block that has its first coefficient alone.
#[inline(always)]
pub(super) fn flat_sample(block: &Block, quantiser: &Block) -> u8 {
    let mean = i32::from(block.0[0].wrapping_mul(quantiser.0[0]));
    (((mean + 4) >> 3) + 128).clamp(0, 255) as u8
}

/// The samples of a block, row by row.
fn samples(block: &Block, quantiser: &Block) -> [[u8; 8]; 8] {
    let mut rows = [[0; 8]; 8];
    for (at, (value, step)) in block.0.iter().zip(&quantiser.0).enumerate() {
        rows[at / 8][at % 8] = value.wrapping_mul(*step);
    }
    let columns = transposed(pass::<AFTER_COLUMNS>(rows));
    transposed(pass::<AFTER_ROWS>(columns))
        .map(|row| row.map(|value| (value.clamp(-128, 127) + 128) as u8))
}

fn transposed(rows: [[i16; 8]; 8]) -> [[i16; 8]; 8] {
    std::array::from_fn(|x| std::array::from_fn(|y| rows[y][x]))
}

/// The transform of each of the eight vectors across `x`. Each step is a loop over the eight, which
/// compilers turn into vector instructions.
fn pass<const SHIFT: i32>(x: [[i16; 8]; 8]) -> [[i16; 8]; 8] {
    const ONE: i32 = 1 << CONSTANT;
    let half = [1 << (SHIFT - 1); 8];
    let zero = sum(dot(x[0], x[4], ONE, ONE), half);
    let four = sum(dot(x[0], x[4], ONE, -ONE), half);
    let two = dot(x[2], x[6], F_0_541 + F_0_765, F_0_541);
    let six = dot(x[2], x[6], F_0_541, F_0_541 - F_1_847);
    let even = [
        sum(zero, two),
        sum(four, six),
        difference(four, six),
        difference(zero, two),
    ];
    let both = |a: usize, b: usize| std::array::from_fn(|lane| x[a][lane].wrapping_add(x[b][lane]));
    let (z3, z4) = (both(7, 3), both(5, 1));
    let third = dot(z3, z4, F_1_175 - F_1_961, F_1_175);
    let fourth = dot(z3, z4, F_1_175, F_1_175 - F_0_390);
    let odd = [
        sum(dot(x[7], x[1], -F_0_899, F_1_501 - F_0_899), fourth),
        sum(dot(x[5], x[3], -F_2_562, F_3_072 - F_2_562), third),
        sum(dot(x[5], x[3], F_2_053 - F_2_562, -F_2_562), fourth),
        sum(dot(x[7], x[1], F_0_298 - F_0_899, -F_0_899), third),
    ];
    let mut out = [[0; 8]; 8];
    for at in 0..4 {
        out[at] = shifted::<SHIFT>(sum(even[at], odd[at]));
        out[7 - at] = shifted::<SHIFT>(difference(even[at], odd[at]));
    }
    out
}

/// `a * by_a + b * by_b`
#[inline(always)]
fn dot(a: [i16; 8], b: [i16; 8], by_a: i32, by_b: i32) -> [i32; 8] {
    std::array::from_fn(|lane| (i32::from(a[lane]) * by_a).wrapping_add(i32::from(b[lane]) * by_b))
}

#[inline(always)]
fn sum(a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
    std::array::from_fn(|lane| a[lane].wrapping_add(b[lane]))
}

#[inline(always)]
fn difference(a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
    std::array::from_fn(|lane| a[lane].wrapping_sub(b[lane]))
}

#[inline(always)]
fn shifted<const SHIFT: i32>(values: [i32; 8]) -> [i16; 8] {
    values.map(|value| (value >> SHIFT).clamp(i16::MIN.into(), i16::MAX.into()) as i16)
}

#[cfg(target_arch = "x86_64")]
mod wide {
    //! The same with AVX2.

    use std::arch::x86_64::*;

    use super::*;

    /// The samples of a block, row by row.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn samples(block: &Block, quantiser: &Block) -> [[u8; 8]; 8] {
        let rows = std::array::from_fn(|row| {
            // SAFETY: 8 values of 16 bits begin there.
            let [value, step] = [block, quantiser]
                .map(|it| unsafe { _mm_loadu_si128(it.0[8 * row..8 * row + 8].as_ptr().cast()) });
            _mm_mullo_epi16(value, step)
        });
        let columns = transposed(pass::<AFTER_COLUMNS>(rows));
        bytes(pass::<AFTER_ROWS>(columns))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn pass<const SHIFT: i32>(x: [__m128i; 8]) -> [__m128i; 8] {
        let one = 1 << CONSTANT;
        let half = _mm256_set1_epi32(1 << (SHIFT - 1));
        let low = pairs(x[0], x[4]);
        let zero = _mm256_add_epi32(dot(low, one, one), half);
        let four = _mm256_add_epi32(dot(low, one, -one), half);
        let high = pairs(x[2], x[6]);
        let two = dot(high, F_0_541 + F_0_765, F_0_541);
        let six = dot(high, F_0_541, F_0_541 - F_1_847);
        let even = [
            _mm256_add_epi32(zero, two),
            _mm256_add_epi32(four, six),
            _mm256_sub_epi32(four, six),
            _mm256_sub_epi32(zero, two),
        ];
        let both = pairs(_mm_add_epi16(x[7], x[3]), _mm_add_epi16(x[5], x[1]));
        let third = dot(both, F_1_175 - F_1_961, F_1_175);
        let fourth = dot(both, F_1_175, F_1_175 - F_0_390);
        let (outer, inner) = (pairs(x[7], x[1]), pairs(x[5], x[3]));
        let odd = [
            _mm256_add_epi32(dot(outer, -F_0_899, F_1_501 - F_0_899), fourth),
            _mm256_add_epi32(dot(inner, -F_2_562, F_3_072 - F_2_562), third),
            _mm256_add_epi32(dot(inner, F_2_053 - F_2_562, -F_2_562), fourth),
            _mm256_add_epi32(dot(outer, F_0_298 - F_0_899, -F_0_899), third),
        ];
        let mut out = [_mm_setzero_si128(); 8];
        for at in 0..4 {
            let sum = _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(even[at], odd[at]));
            let difference = _mm256_srai_epi32::<SHIFT>(_mm256_sub_epi32(even[at], odd[at]));
            let packed = _mm256_packs_epi32(sum, difference);
            let packed = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
            out[at] = _mm256_castsi256_si128(packed);
            out[7 - at] = _mm256_extracti128_si256::<1>(packed);
        }
        out
    }

    /// The values of two vectors, side by side.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn pairs(a: __m128i, b: __m128i) -> __m256i {
        _mm256_set_m128i(_mm_unpackhi_epi16(a, b), _mm_unpacklo_epi16(a, b))
    }

    /// `a * by_a + b * by_b` of each pair.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn dot(pairs: __m256i, by_a: i32, by_b: i32) -> __m256i {
        _mm256_madd_epi16(pairs, _mm256_set1_epi32(by_a & 0xFFFF | by_b << 16))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn transposed(x: [__m128i; 8]) -> [__m128i; 8] {
        let two = |a, b| (_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b));
        let four = |a, b| (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
        let eight = |a, b| [_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(a, b)];
        let ((a0, a1), (b0, b1)) = (two(x[0], x[1]), two(x[2], x[3]));
        let ((c0, c1), (d0, d1)) = (two(x[4], x[5]), two(x[6], x[7]));
        let ((e0, e1), (f0, f1)) = (four(a0, b0), four(c0, d0));
        let ((g0, g1), (h0, h1)) = (four(a1, b1), four(c1, d1));
        let [[y0, y1], [y2, y3]] = [eight(e0, f0), eight(e1, f1)];
        let [[y4, y5], [y6, y7]] = [eight(g0, h0), eight(g1, h1)];
        [y0, y1, y2, y3, y4, y5, y6, y7]
    }

    /// Rows of bytes from columns of signed values.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn bytes(x: [__m128i; 8]) -> [[u8; 8]; 8] {
        let [p0, p1, p2, p3] = std::array::from_fn(|at| _mm_packs_epi16(x[at], x[at + 4]));
        let (left, right) = (_mm_unpacklo_epi8(p0, p1), _mm_unpackhi_epi8(p0, p1));
        let (left2, right2) = (_mm_unpacklo_epi8(p2, p3), _mm_unpackhi_epi8(p2, p3));
        let tops = (
            _mm_unpacklo_epi16(left, left2),
            _mm_unpacklo_epi16(right, right2),
        );
        let lows = (
            _mm_unpackhi_epi16(left, left2),
            _mm_unpackhi_epi16(right, right2),
        );
        let pairs = [
            _mm_unpacklo_epi32(tops.0, tops.1),
            _mm_unpackhi_epi32(tops.0, tops.1),
            _mm_unpacklo_epi32(lows.0, lows.1),
            _mm_unpackhi_epi32(lows.0, lows.1),
        ];
        let mut rows = [[0; 8]; 8];
        for (two, pair) in rows.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
            let pair = _mm_xor_si128(pair, _mm_set1_epi8(i8::MIN));
            two[0] = _mm_cvtsi128_si64(pair).to_le_bytes();
            two[1] = _mm_extract_epi64::<1>(pair).to_le_bytes();
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transform by its formula.
    fn exact(block: &Block) -> [[f64; 8]; 8] {
        let basis = |k: usize, n: usize| {
            let scale = if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
            let angle = (2 * n + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0;
            0.5 * scale * angle.cos()
        };
        std::array::from_fn(|y| {
            std::array::from_fn(|x| {
                let term = |at: usize| f64::from(block.0[at]) * basis(at / 8, y) * basis(at % 8, x);
                128.0 + (0..64).map(term).sum::<f64>()
            })
        })
    }

    fn noise(seed: u32, reach: i32) -> Block {
        let mut state = seed;
        Block(std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as i32 % (2 * reach + 1) - reach) as i16
        }))
    }

    #[test]
    fn samples_are_those_of_the_formula_but_for_rounding() {
        let ones = Block([1; 64]);
        for seed in 0..50 {
            let block = noise(seed, 60);
            let expected = exact(&block);
            for (row, expected) in samples(&block, &ones).iter().zip(expected) {
                for (sample, expected) in row.iter().zip(expected) {
                    let difference = f64::from(*sample) - expected.clamp(0.0, 255.0);
                    assert!(difference.abs() < 0.6, "{sample} {expected}");
                }
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn vector_instructions_give_the_same_bytes_for_any_coefficients() {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return;
        }
        for seed in 0..500 {
            let block = noise(seed, [40, 700, 5000, 32_767][seed as usize % 4]);
            let quantiser = noise(seed + 1, [1, 9, 255][seed as usize % 3]);
            // SAFETY: the instructions are there.
            let wide = unsafe { wide::samples(&block, &quantiser) };
            assert_eq!(wide, samples(&block, &quantiser), "{seed}");
        }
    }
}
