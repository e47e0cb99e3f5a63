//! Sixteen f32 lanes, on whatever the processor has: AVX-512, AVX2 with FMA, or plain loops that
//! the compiler makes of them what it can. A kernel is written once over [`Lanes`]; `for_processor!`
//! compiles it for each instruction set and chooses at run time.
//!
//! Every kernel sums in the order of the lanes, whatever the registers: what differs between the
//! instruction sets is the rounding of a fused multiply-add alone.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use half::{bf16, f16};

/// Lanes of a vector.
pub(crate) const LANES: usize = 16;

/// A vector of [`LANES`] f32 numbers.
///
/// # Safety
/// All functions are to be called only where the processor has the instruction set of the
/// implementation; pointers must be valid for [`LANES`] elements, of any alignment.
pub(crate) trait Lanes: Copy {
    /// Rows and columns of the products' tile, so that its sums stay in registers.
    const TILE: [usize; 2];
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn load_bf16(from: *const bf16) -> Self;
    unsafe fn load_f16(from: *const f16) -> Self;
    /// The first of each two of `2 * LANES` numbers.
    unsafe fn load_first_bf16(from: *const bf16) -> Self;
    /// The second of each two of `2 * LANES` numbers.
    unsafe fn load_second_bf16(from: *const bf16) -> Self;
    /// Rounded to the nearest, ties to even.
    unsafe fn store_bf16(self, to: *mut bf16);
    /// Whole numbers within 0 and 255 as bytes; what is no number is 0.
    unsafe fn store_bytes(self, to: *mut u8);
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn min(self, other: Self) -> Self;
    /// `self * a + b`.
    unsafe fn mul_add(self, a: Self, b: Self) -> Self;
    /// `positive` where the lane is above zero, else `other`.
    unsafe fn choose(self, positive: Self, other: Self) -> Self;
    /// To the nearest whole number.
    unsafe fn round(self) -> Self;
    /// `self * 2^exponent`, for whole exponents within -126 and 127.
    unsafe fn scale_by_power(self, exponent: Self) -> Self;
    /// Sums of the lanes of four vectors.
    unsafe fn sums(four: [Self; 4]) -> [f32; 4];
    /// Writes to the four places of `to` what the four of `before` hold and [`Lanes::sums`].
    #[inline(always)]
    unsafe fn store_sums(four: [Self; 4], before: *const f32, to: *mut f32) {
        unsafe {
            let sums = Self::sums(four);
            for i in 0..4 {
                *to.add(i) = *before.add(i) + sums[i];
            }
        }
    }

    /// Tells the processor that these bytes will be read soon; does nothing where there are none.
    #[inline(always)]
    unsafe fn prefetch(_: *const u8) {}
    /// [`LANES`] numbers of each of as many rows: number `i` of row `j` is lane `j` of vector `i`.
    #[inline(always)]
    unsafe fn load_columns(rows: [*const f32; LANES]) -> [Self; LANES] {
        let mut all = [[0.0; LANES]; LANES];
        unsafe {
            for (j, row) in rows.into_iter().enumerate() {
                for i in 0..LANES {
                    all[i][j] = row.add(i).read_unaligned();
                }
            }
            std::array::from_fn(|i| Self::load(all[i].as_ptr()))
        }
    }

    /// The sum of the lanes.
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        unsafe {
            let zero = Self::splat(0.0);
            Self::sums([self, zero, zero, zero])[0]
        }
    }

    /// The greatest of the lanes.
    #[inline(always)]
    unsafe fn greatest(self) -> f32 {
        let mut lanes = [0.0; LANES];
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }

    /// The first `n < LANES` elements, `rest` in the other lanes.
    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize, rest: f32) -> Self {
        let mut lanes = [rest; LANES];
        unsafe {
            std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), n);
            Self::load(lanes.as_ptr())
        }
    }

    /// Stores the first `n < LANES` elements.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, n: usize) {
        let mut lanes = [0.0; LANES];
        unsafe {
            self.store(lanes.as_mut_ptr());
            std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, n);
        }
    }
}

/// Plain arrays.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; LANES]);

impl Portable {
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Self(self.0.map(f))
    }
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Lanes for Portable {
    const TILE: [usize; 2] = [1, 4];
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; LANES])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn load_bf16(from: *const bf16) -> Self {
        Self(unsafe { from.cast::<[bf16; LANES]>().read_unaligned() }.map(bf16::to_f32))
    }
    #[inline(always)]
    unsafe fn load_f16(from: *const f16) -> Self {
        Self(unsafe { from.cast::<[f16; LANES]>().read_unaligned() }.map(f16::to_f32))
    }
    #[inline(always)]
    unsafe fn load_first_bf16(from: *const bf16) -> Self {
        let pairs = unsafe { from.cast::<[[bf16; 2]; LANES]>().read_unaligned() };
        Self(pairs.map(|pair| pair[0].to_f32()))
    }
    #[inline(always)]
    unsafe fn load_second_bf16(from: *const bf16) -> Self {
        let pairs = unsafe { from.cast::<[[bf16; 2]; LANES]>().read_unaligned() };
        Self(pairs.map(|pair| pair[1].to_f32()))
    }
    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut bf16) {
        let rounded = self.0.map(bf16::from_f32);
        unsafe { to.cast::<[bf16; LANES]>().write_unaligned(rounded) }
    }
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        let bytes = self.0.map(|value| value as u8);
        unsafe { to.cast::<[u8; LANES]>().write_unaligned(bytes) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * a.0[i] + b.0[i]))
    }
    #[inline(always)]
    unsafe fn choose(self, positive: Self, other: Self) -> Self {
        let lane = |i: usize| match self.0[i] > 0.0 {
            true => positive.0[i],
            false => other.0[i],
        };
        Self(std::array::from_fn(lane))
    }
    #[inline(always)]
    unsafe fn round(self) -> Self {
        self.map(f32::round_ties_even)
    }
    #[inline(always)]
    unsafe fn scale_by_power(self, exponent: Self) -> Self {
        self.zip(exponent, |x, e| {
            x * f32::from_bits(((e as i32 + 127) as u32) << 23)
        })
    }
    #[inline(always)]
    unsafe fn sums(four: [Self; 4]) -> [f32; 4] {
        four.map(|v| {
            let quads: [f32; 4] =
                std::array::from_fn(|i| (v.0[i] + v.0[8 + i]) + (v.0[4 + i] + v.0[12 + i]));
            (quads[0] + quads[1]) + (quads[2] + quads[3])
        })
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use half::{bf16, f16};

    use super::*;

    /// AVX-512.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(__m512);

    impl Avx512 {
        /// The sums of the lanes of four vectors, in a register.
        #[inline(always)]
        unsafe fn four_sums(four: [Self; 4]) -> __m128 {
            unsafe {
                // Halves first: eight lanes of each, two vectors in one register.
                let ab = Self::halves(four[0].0, four[1].0);
                let cd = Self::halves(four[2].0, four[3].0);
                // Then quarters: four lanes of each, in the order a, b, c, d.
                let even = _mm512_shuffle_f32x4::<0b10_00_10_00>(ab, cd);
                let odd = _mm512_shuffle_f32x4::<0b11_01_11_01>(ab, cd);
                let quads = _mm512_add_ps(even, odd);
                let pairs = _mm512_add_ps(quads, _mm512_permute_ps::<0b10_11_00_01>(quads));
                let all = _mm512_add_ps(pairs, _mm512_permute_ps::<0b01_00_11_10>(pairs));
                _mm512_castps512_ps128(_mm512_permutexvar_ps(
                    _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
                    all,
                ))
            }
        }

        /// Lane `i` of a vector with lane `i + 8`, of two vectors.
        #[inline(always)]
        unsafe fn halves(v: __m512, w: __m512) -> __m512 {
            unsafe {
                let low = _mm512_shuffle_f32x4::<0b01_00_01_00>(v, w);
                let high = _mm512_shuffle_f32x4::<0b11_10_11_10>(v, w);
                _mm512_add_ps(low, high)
            }
        }

        /// Adds the products of two times 32 bf16 numbers, whose bits the operands are: to each lane
        /// that of the second two of its pair, then that of the first two.
        ///
        /// # Safety
        /// Needs a processor with [`InstructionSet::Avx512Bf16`].
        #[inline(always)]
        pub(crate) unsafe fn add_pairs(self, a: Self, b: Self) -> Self {
            unsafe {
                let a = std::mem::transmute::<__m512, __m512bh>(a.0);
                let b = std::mem::transmute::<__m512, __m512bh>(b.0);
                Self(_mm512_dpbf16_ps(self.0, a, b))
            }
        }
    }

    /// The low or the high two numbers of each four, of `a` and then of `b`.
    #[inline(always)]
    unsafe fn pairs<const HIGH: bool>(a: __m512, b: __m512) -> __m512 {
        unsafe {
            let (a, b) = (_mm512_castps_pd(a), _mm512_castps_pd(b));
            _mm512_castpd_ps(match HIGH {
                true => _mm512_unpackhi_pd(a, b),
                false => _mm512_unpacklo_pd(a, b),
            })
        }
    }

    impl Lanes for Avx512 {
        const TILE: [usize; 2] = [6, 4];
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            Self(unsafe { _mm512_set1_ps(value) })
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            Self(unsafe { _mm512_loadu_ps(from) })
        }
        #[inline(always)]
        unsafe fn load_bf16(from: *const bf16) -> Self {
            unsafe {
                let halves = _mm256_loadu_si256(from.cast());
                let wide = _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(halves));
                Self(_mm512_castsi512_ps(wide))
            }
        }
        #[inline(always)]
        unsafe fn load_f16(from: *const f16) -> Self {
            Self(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) })
        }
        #[inline(always)]
        unsafe fn load_first_bf16(from: *const bf16) -> Self {
            unsafe {
                let pairs = _mm512_loadu_si512(from.cast());
                Self(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(pairs)))
            }
        }
        #[inline(always)]
        unsafe fn load_second_bf16(from: *const bf16) -> Self {
            unsafe {
                let pairs = _mm512_loadu_si512(from.cast());
                let second = _mm512_and_si512(pairs, _mm512_set1_epi32(-1 << 16));
                Self(_mm512_castsi512_ps(second))
            }
        }
        #[inline(always)]
        unsafe fn store_bf16(self, to: *mut bf16) {
            unsafe {
                // Half of the last place that stays, less one where that place is even.
                let bits = _mm512_castps_si512(self.0);
                let last = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
                let half = _mm512_add_epi32(last, _mm512_set1_epi32(0x7fff));
                let rounded = _mm512_add_epi32(bits, half);
                // What is no number stays none, whatever its lower bits.
                let none = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, self.0);
                let quiet = _mm512_set1_epi32(0x40_0000);
                let rounded = _mm512_mask_or_epi32(rounded, none, bits, quiet);
                let halves = _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(rounded));
                _mm256_storeu_si256(to.cast(), halves);
            }
        }
        #[inline(always)]
        unsafe fn store_bytes(self, to: *mut u8) {
            unsafe {
                // What is no number has no low bits.
                let bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(self.0));
                _mm_storeu_si128(to.cast(), bytes);
            }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe { _mm512_storeu_ps(to, self.0) }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            Self(unsafe { _mm512_sub_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            Self(unsafe { _mm512_mul_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn div(self, other: Self) -> Self {
            Self(unsafe { _mm512_div_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            Self(unsafe { _mm512_max_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn min(self, other: Self) -> Self {
            Self(unsafe { _mm512_min_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn mul_add(self, a: Self, b: Self) -> Self {
            Self(unsafe { _mm512_fmadd_ps(self.0, a.0, b.0) })
        }
        #[inline(always)]
        unsafe fn choose(self, positive: Self, other: Self) -> Self {
            unsafe {
                let above = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, _mm512_setzero_ps());
                Self(_mm512_mask_blend_ps(above, other.0, positive.0))
            }
        }
        #[inline(always)]
        unsafe fn round(self) -> Self {
            Self(unsafe { _mm512_roundscale_ps::<0>(self.0) })
        }
        #[inline(always)]
        unsafe fn scale_by_power(self, exponent: Self) -> Self {
            Self(unsafe { _mm512_scalef_ps(self.0, exponent.0) })
        }
        #[inline(always)]
        unsafe fn sums(four: [Self; 4]) -> [f32; 4] {
            let mut sums = [0.0; 4];
            unsafe { _mm_storeu_ps(sums.as_mut_ptr(), Self::four_sums(four)) };
            sums
        }
        #[inline(always)]
        unsafe fn store_sums(four: [Self; 4], before: *const f32, to: *mut f32) {
            unsafe { _mm_storeu_ps(to, _mm_add_ps(_mm_loadu_ps(before), Self::four_sums(four))) }
        }
        #[inline(always)]
        unsafe fn prefetch(from: *const u8) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
        }
        #[inline(always)]
        unsafe fn load_columns(rows: [*const f32; LANES]) -> [Self; LANES] {
            unsafe {
                let mut columns = [Self(_mm512_setzero_ps()); LANES];
                for at in (0..LANES).step_by(4) {
                    // Four numbers of rows `j`, `j + 4`, `j + 8` and `j + 12`: loads alone.
                    let mut fours = [_mm512_setzero_ps(); 4];
                    for j in 0..4 {
                        let all = _mm512_broadcast_f32x4(_mm_loadu_ps(rows[j].add(at)));
                        let four = _mm_loadu_ps(rows[j + 4].add(at));
                        let all = _mm512_mask_broadcast_f32x4(all, 0x00f0, four);
                        let four = _mm_loadu_ps(rows[j + 8].add(at));
                        let all = _mm512_mask_broadcast_f32x4(all, 0x0f00, four);
                        let four = _mm_loadu_ps(rows[j + 12].add(at));
                        fours[j] = _mm512_mask_broadcast_f32x4(all, 0xf000, four);
                    }
                    let [a, b, c, d] = fours;
                    let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
                    columns[at] = Self(pairs::<false>(ab, cd));
                    columns[at + 1] = Self(pairs::<true>(ab, cd));
                    let (ab, cd) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
                    columns[at + 2] = Self(pairs::<false>(ab, cd));
                    columns[at + 3] = Self(pairs::<true>(ab, cd));
                }
                columns
            }
        }
        #[inline(always)]
        unsafe fn greatest(self) -> f32 {
            unsafe { _mm512_reduce_max_ps(self.0) }
        }
        #[inline(always)]
        unsafe fn load_first(from: *const f32, n: usize, rest: f32) -> Self {
            unsafe {
                Self(_mm512_mask_loadu_ps(
                    _mm512_set1_ps(rest),
                    (1u16 << n) - 1,
                    from,
                ))
            }
        }
        #[inline(always)]
        unsafe fn store_first(self, to: *mut f32, n: usize) {
            unsafe { _mm512_mask_storeu_ps(to, (1u16 << n) - 1, self.0) }
        }
    }

    /// AVX2 with FMA and F16C.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2([__m256; 2]);

    impl Avx2 {
        #[inline(always)]
        unsafe fn zip(self, other: Self, f: impl Fn(__m256, __m256) -> __m256) -> Self {
            Self([f(self.0[0], other.0[0]), f(self.0[1], other.0[1])])
        }
    }

    impl Lanes for Avx2 {
        const TILE: [usize; 2] = [3, 2];
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            Self([unsafe { _mm256_set1_ps(value) }; 2])
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            Self(unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] })
        }
        #[inline(always)]
        unsafe fn load_bf16(from: *const bf16) -> Self {
            let half = |at: usize| unsafe {
                let halves = _mm_loadu_si128(from.add(at).cast());
                let wide = _mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(halves));
                _mm256_castsi256_ps(wide)
            };
            Self([half(0), half(8)])
        }
        #[inline(always)]
        unsafe fn load_f16(from: *const f16) -> Self {
            let half = |at: usize| unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.add(at).cast())) };
            Self([half(0), half(8)])
        }
        #[inline(always)]
        unsafe fn load_first_bf16(from: *const bf16) -> Self {
            let half = |at: usize| unsafe {
                let pairs = _mm256_loadu_si256(from.add(at).cast());
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(pairs))
            };
            Self([half(0), half(16)])
        }
        #[inline(always)]
        unsafe fn load_second_bf16(from: *const bf16) -> Self {
            let half = |at: usize| unsafe {
                let pairs = _mm256_loadu_si256(from.add(at).cast());
                _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-1 << 16)))
            };
            Self([half(0), half(16)])
        }
        #[inline(always)]
        unsafe fn store_bf16(self, to: *mut bf16) {
            unsafe {
                // As for AVX-512.
                let [low, high] = self.0.map(|half| {
                    let bits = _mm256_castps_si256(half);
                    let last =
                        _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
                    let above = _mm256_add_epi32(last, _mm256_set1_epi32(0x7fff));
                    let rounded = _mm256_add_epi32(bits, above);
                    let none = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(half, half));
                    let quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x40_0000));
                    _mm256_srli_epi32::<16>(_mm256_blendv_epi8(rounded, quiet, none))
                });
                // Packing goes by halves of 128 bits.
                let packed = _mm256_packus_epi32(low, high);
                let ordered = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
                _mm256_storeu_si256(to.cast(), ordered);
            }
        }
        #[inline(always)]
        unsafe fn store_bytes(self, to: *mut u8) {
            unsafe {
                // What is no number is the lowest of all, and so cut off at 0.
                let low = _mm256_cvtps_epi32(self.0[0]);
                let high = _mm256_cvtps_epi32(self.0[1]);
                let packed = _mm256_packus_epi32(low, high);
                let ordered = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
                let bytes = _mm_packus_epi16(
                    _mm256_castsi256_si128(ordered),
                    _mm256_extracti128_si256::<1>(ordered),
                );
                _mm_storeu_si128(to.cast(), bytes);
            }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe {
                _mm256_storeu_ps(to, self.0[0]);
                _mm256_storeu_ps(to.add(8), self.0[1]);
            }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            unsafe { self.zip(other, |a, b| _mm256_add_ps(a, b)) }
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            unsafe { self.zip(other, |a, b| _mm256_sub_ps(a, b)) }
        }
        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            unsafe { self.zip(other, |a, b| _mm256_mul_ps(a, b)) }
        }
        #[inline(always)]
        unsafe fn div(self, other: Self) -> Self {
            unsafe { self.zip(other, |a, b| _mm256_div_ps(a, b)) }
        }
        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            unsafe { self.zip(other, |a, b| _mm256_max_ps(a, b)) }
        }
        #[inline(always)]
        unsafe fn min(self, other: Self) -> Self {
            unsafe { self.zip(other, |a, b| _mm256_min_ps(a, b)) }
        }
        #[inline(always)]
        unsafe fn mul_add(self, a: Self, b: Self) -> Self {
            Self(unsafe {
                [
                    _mm256_fmadd_ps(self.0[0], a.0[0], b.0[0]),
                    _mm256_fmadd_ps(self.0[1], a.0[1], b.0[1]),
                ]
            })
        }
        #[inline(always)]
        unsafe fn choose(self, positive: Self, other: Self) -> Self {
            let half = |i: usize| unsafe {
                let above = _mm256_cmp_ps::<_CMP_GT_OQ>(self.0[i], _mm256_setzero_ps());
                _mm256_blendv_ps(other.0[i], positive.0[i], above)
            };
            Self([half(0), half(1)])
        }
        #[inline(always)]
        unsafe fn round(self) -> Self {
            Self(self.0.map(|v| unsafe {
                _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(v)
            }))
        }
        #[inline(always)]
        unsafe fn scale_by_power(self, exponent: Self) -> Self {
            unsafe {
                self.zip(exponent, |x, e| {
                    let biased = _mm256_add_epi32(_mm256_cvtps_epi32(e), _mm256_set1_epi32(127));
                    _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased)))
                })
            }
        }
        #[inline(always)]
        unsafe fn sums(four: [Self; 4]) -> [f32; 4] {
            unsafe {
                // The lanes' order is that of the widest registers: i with i + 8, then i + 4.
                let quads = four.map(|v| {
                    let eight = _mm256_add_ps(v.0[0], v.0[1]);
                    _mm_add_ps(
                        _mm256_castps256_ps128(eight),
                        _mm256_extractf128_ps::<1>(eight),
                    )
                });
                let pairs = [
                    _mm_hadd_ps(quads[0], quads[1]),
                    _mm_hadd_ps(quads[2], quads[3]),
                ];
                let mut sums = [0.0; 4];
                _mm_storeu_ps(sums.as_mut_ptr(), _mm_hadd_ps(pairs[0], pairs[1]));
                sums
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

/// The instruction sets that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// 512-bit vectors, products of small integers and of bf16 numbers.
    Avx512Bf16,
    /// 512-bit vectors and products of small integers.
    Avx512Vnni,
    /// 512-bit vectors.
    Avx512,
    /// 256-bit vectors and fused multiply-adds.
    Avx2,
    /// Whatever the compiler was told the processor has.
    Portable,
}

/// What kernels use, settled by the limit or by the first that runs.
static CHOSEN: OnceLock<InstructionSet> = OnceLock::new();

/// Why kernels cannot be held to an instruction set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The name is none that exists.
    #[error("unknown instructions `{0}`: use one of {available}", available = listed(&InstructionSet::available()))]
    Unknown(String),
    /// This processor cannot run them.
    #[error("this processor has no {0}: use one of {available}", available = listed(&InstructionSet::available()))]
    Missing(InstructionSet),
    /// A kernel ran, or another limit was set.
    #[error("kernels use {0} already: set the limit before the first of them runs")]
    Late(InstructionSet),
}

/// Has the kernels of this crate use `most`, or what of it they are written for, on a processor that has more. For
/// tests and for comparisons; to be called before any kernel runs. The framework's own kernels choose by themselves.
///
/// # Errors
/// If the processor lacks `most`, or kernels use something else already.
pub fn limit_instructions(most: InstructionSet) -> Result<(), LimitError> {
    if !InstructionSet::available().contains(&most) {
        return Err(LimitError::Missing(most));
    }
    match *CHOSEN.get_or_init(|| most) {
        chosen if chosen == most => Ok(()),
        chosen => Err(LimitError::Late(chosen)),
    }
}

impl InstructionSet {
    const ALL: [Self; 5] = [
        Self::Avx512Bf16,
        Self::Avx512Vnni,
        Self::Avx512,
        Self::Avx2,
        Self::Portable,
    ];

    /// The best that this processor has, if no limit is set; what kernels use.
    pub fn best() -> Self {
        *CHOSEN.get_or_init(Self::detect)
    }

    /// All that this processor has, the best first.
    pub fn available() -> Vec<Self> {
        let best = Self::detect();
        let all = Self::ALL.into_iter();
        all.filter(|set| best.includes(*set)).collect()
    }

    /// Whether a processor with this set has the other one, too.
    pub(crate) fn includes(self, other: Self) -> bool {
        // They are declared from the best down.
        self as u8 <= other as u8
    }

    fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
            {
                // Every processor with the last of them has the one before it.
                return match is_x86_feature_detected!("avx512vnni") {
                    true if is_x86_feature_detected!("avx512bf16") => InstructionSet::Avx512Bf16,
                    true => InstructionSet::Avx512Vnni,
                    false => InstructionSet::Avx512,
                };
            }
            if is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c")
            {
                return InstructionSet::Avx2;
            }
        }
        InstructionSet::Portable
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InstructionSet::Avx512Bf16 => "avx512bf16",
            InstructionSet::Avx512Vnni => "avx512vnni",
            InstructionSet::Avx512 => "avx512",
            InstructionSet::Avx2 => "avx2",
            InstructionSet::Portable => "portable",
        })
    }
}

impl FromStr for InstructionSet {
    type Err = LimitError;

    fn from_str(name: &str) -> Result<Self, LimitError> {
        let mut all = Self::ALL.into_iter();
        all.find(|set| set.to_string() == name)
            .ok_or_else(|| LimitError::Unknown(name.to_owned()))
    }
}

fn listed(sets: &[InstructionSet]) -> String {
    let names: Vec<String> = sets.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// Compiles a kernel, generic over [`Lanes`] and `#[inline(always)]`, for each instruction set, and
/// calls that of the one given.
macro_rules! for_processor {
    ($(#[$doc:meta])* $visible:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? = $kernel:ident) => {
        $(#[$doc])*
        $visible unsafe fn $name(set: $crate::cpu::simd::InstructionSet, $($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
            unsafe fn avx512($($arg: $type),*) $(-> $out)? {
                use $crate::cpu::simd::Avx512 as Widest;
                unsafe { $kernel::<Widest>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            unsafe fn avx2($($arg: $type),*) $(-> $out)? {
                use $crate::cpu::simd::Avx2 as Wide;
                unsafe { $kernel::<Wide>($($arg),*) }
            }
            match set {
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::simd::InstructionSet::Avx512Bf16
                | $crate::cpu::simd::InstructionSet::Avx512Vnni
                | $crate::cpu::simd::InstructionSet::Avx512 => unsafe { avx512($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::simd::InstructionSet::Avx2 => unsafe { avx2($($arg),*) },
                _ => unsafe { $kernel::<$crate::cpu::simd::Portable>($($arg),*) },
            }
        }
    };
}
pub(crate) use for_processor;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_set_of_this_processor_is_found_by_its_name_and_the_last_one_runs_anywhere() {
        let sets = InstructionSet::available();
        assert_eq!(sets.last(), Some(&InstructionSet::Portable));
        for set in sets {
            assert_eq!(set.to_string().parse::<InstructionSet>().unwrap(), set);
        }
    }

    #[test]
    fn an_unknown_name_is_told_with_those_to_use() {
        let error = "sse9".parse::<InstructionSet>().unwrap_err().to_string();
        assert!(
            error.contains("`sse9`") && error.contains("portable"),
            "{error}"
        );
    }

    #[test]
    fn a_limit_that_comes_too_late_or_asks_too_much_is_refused() {
        let used = InstructionSet::best();
        assert_eq!(limit_instructions(used), Ok(()));
        let other = match used {
            InstructionSet::Portable => LimitError::Missing(InstructionSet::Avx512),
            used => LimitError::Late(used),
        };
        let most = match used {
            InstructionSet::Portable => InstructionSet::Avx512,
            _ => InstructionSet::Portable,
        };
        assert_eq!(limit_instructions(most), Err(other));
    }
}
