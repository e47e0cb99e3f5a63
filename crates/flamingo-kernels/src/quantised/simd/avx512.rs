//! AVX-512 with VNNI: a line is one register, four products and three sums one instruction.

use std::arch::x86_64::*;

use super::super::tiles::{Line, TILE};
use super::Simd;

/// Processors with AVX-512 F, BW, VL and VNNI.
pub(in super::super) struct Avx512;

impl Simd for Avx512 {
    type Floats = __m512;
    type Integers = __m512i;
    type Bytes = __m512i;

    const PAIRS: bool = true;

    #[inline(always)]
    unsafe fn prefetch(from: *const u8) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }

    #[inline(always)]
    unsafe fn floats(value: f32) -> __m512 {
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn integers(value: i32) -> __m512i {
        unsafe { _mm512_set1_epi32(value) }
    }

    #[inline(always)]
    unsafe fn line(line: &Line) -> __m512i {
        unsafe { _mm512_load_si512(line.0.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn low(bytes: __m512i) -> __m512i {
        unsafe { _mm512_and_si512(bytes, _mm512_set1_epi8(15)) }
    }

    #[inline(always)]
    unsafe fn high(bytes: __m512i) -> __m512i {
        unsafe { _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), _mm512_set1_epi8(15)) }
    }

    #[inline(always)]
    unsafe fn with_bits<const BIT: i8>(bytes: __m512i, mask: u64) -> __m512i {
        unsafe { _mm512_mask_add_epi8(bytes, mask, bytes, _mm512_set1_epi8(BIT)) }
    }

    #[inline(always)]
    unsafe fn dot(sums: __m512i, bytes: __m512i, x: [i8; 4]) -> __m512i {
        unsafe { _mm512_dpbusd_epi32(sums, bytes, _mm512_set1_epi32(four(x))) }
    }

    #[inline(always)]
    unsafe fn to_floats(integers: __m512i) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(integers) }
    }

    #[inline(always)]
    unsafe fn halves(halves: &[u16; TILE]) -> __m512 {
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(halves.as_ptr().cast())) }
    }

    #[inline(always)]
    unsafe fn unsigned(codes: &[u8; TILE]) -> __m512 {
        unsafe {
            let codes = _mm_loadu_si128(codes.as_ptr().cast());
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(codes))
        }
    }

    #[inline(always)]
    unsafe fn signed(codes: &[u8; TILE]) -> __m512 {
        unsafe {
            let codes = _mm_loadu_si128(codes.as_ptr().cast());
            _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes))
        }
    }

    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn subtract(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn multiply(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn to_array(a: __m512) -> [f32; TILE] {
        let mut out = [0.0; TILE];
        unsafe { _mm512_storeu_ps(out.as_mut_ptr(), a) };
        out
    }
}

/// Four bytes as one integer.
pub(super) fn four(x: [i8; 4]) -> i32 {
    i32::from_le_bytes(x.map(|x| x as u8))
}
