//! AVX2: a line is two registers.

use std::arch::x86_64::*;

use super::super::tiles::{Line, TILE};
use super::Simd;
use super::avx512::four;

/// Processors with AVX2 and F16C.
pub(in super::super) struct Avx2;

/// `f` of both halves.
macro_rules! both {
    (|$($x:ident),+| $f:expr) => {{
        let of = |half: usize| {
            $(let $x = $x[half];)+
            $f
        };
        [of(0), of(1)]
    }};
}

impl Simd for Avx2 {
    type Floats = [__m256; 2];
    type Integers = [__m256i; 2];
    type Bytes = [__m256i; 2];

    #[inline(always)]
    unsafe fn floats(value: f32) -> [__m256; 2] {
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    unsafe fn integers(value: i32) -> [__m256i; 2] {
        unsafe { [_mm256_set1_epi32(value); 2] }
    }

    #[inline(always)]
    unsafe fn line(line: &Line) -> [__m256i; 2] {
        let half = |at: usize| unsafe { _mm256_load_si256(line.0.as_ptr().add(at).cast()) };
        [half(0), half(32)]
    }

    #[inline(always)]
    unsafe fn low(bytes: [__m256i; 2]) -> [__m256i; 2] {
        both!(|bytes| unsafe { _mm256_and_si256(bytes, _mm256_set1_epi8(15)) })
    }

    #[inline(always)]
    unsafe fn high(bytes: [__m256i; 2]) -> [__m256i; 2] {
        both!(|bytes| unsafe {
            _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(15))
        })
    }

    #[inline(always)]
    unsafe fn with_bits<const BIT: i8>(bytes: [__m256i; 2], mask: u64) -> [__m256i; 2] {
        let mask = [mask as i32, (mask >> 32) as i32];
        both!(|bytes, mask| unsafe {
            // Each byte gets the byte of the mask that has its bit, and then that bit alone.
            let spread = _mm256_setr_epi64x(
                0,
                0x0101_0101_0101_0101,
                0x0202_0202_0202_0202,
                0x0303_0303_0303_0303,
            );
            let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64 as i64);
            let spread = _mm256_shuffle_epi8(_mm256_set1_epi32(mask), spread);
            let set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit);
            _mm256_add_epi8(bytes, _mm256_and_si256(set, _mm256_set1_epi8(BIT)))
        })
    }

    #[inline(always)]
    unsafe fn dot(sums: [__m256i; 2], bytes: [__m256i; 2], x: [i8; 4]) -> [__m256i; 2] {
        both!(|sums, bytes| unsafe {
            // Pairs of 16-bit products cannot overflow 32 bits; of 8-bit ones they could 16 bits.
            let x = _mm256_set1_epi32(four(x));
            let even = _mm256_and_si256(bytes, _mm256_set1_epi16(255));
            let odd = _mm256_srli_epi16::<8>(bytes);
            let x_even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(x));
            let x_odd = _mm256_srai_epi16::<8>(x);
            let products = _mm256_add_epi32(
                _mm256_madd_epi16(even, x_even),
                _mm256_madd_epi16(odd, x_odd),
            );
            _mm256_add_epi32(sums, products)
        })
    }

    #[inline(always)]
    unsafe fn to_floats(integers: [__m256i; 2]) -> [__m256; 2] {
        both!(|integers| unsafe { _mm256_cvtepi32_ps(integers) })
    }

    #[inline(always)]
    unsafe fn halves(halves: &[u16; TILE]) -> [__m256; 2] {
        let half =
            |at: usize| unsafe { _mm256_cvtph_ps(_mm_loadu_si128(halves.as_ptr().add(at).cast())) };
        [half(0), half(8)]
    }

    #[inline(always)]
    unsafe fn unsigned(codes: &[u8; TILE]) -> [__m256; 2] {
        let half = |at: usize| unsafe {
            let codes = _mm_loadl_epi64(codes.as_ptr().add(at).cast());
            _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(codes))
        };
        [half(0), half(8)]
    }

    #[inline(always)]
    unsafe fn signed(codes: &[u8; TILE]) -> [__m256; 2] {
        let half = |at: usize| unsafe {
            let codes = _mm_loadl_epi64(codes.as_ptr().add(at).cast());
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes))
        };
        [half(0), half(8)]
    }

    #[inline(always)]
    unsafe fn add(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        both!(|a, b| unsafe { _mm256_add_ps(a, b) })
    }

    #[inline(always)]
    unsafe fn subtract(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        both!(|a, b| unsafe { _mm256_sub_ps(a, b) })
    }

    #[inline(always)]
    unsafe fn multiply(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        both!(|a, b| unsafe { _mm256_mul_ps(a, b) })
    }

    #[inline(always)]
    unsafe fn to_array(a: [__m256; 2]) -> [f32; TILE] {
        let mut out = [0.0; TILE];
        unsafe {
            _mm256_storeu_ps(out.as_mut_ptr(), a[0]);
            _mm256_storeu_ps(out.as_mut_ptr().add(8), a[1]);
        }
        out
    }
}
