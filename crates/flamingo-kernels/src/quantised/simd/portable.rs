//! For any processor: plain loops, which the compiler makes of them what it can.

use half::f16;

use super::super::tiles::{Line, TILE};
use super::Simd;

/// Any processor.
pub(in super::super) struct Portable;

impl Simd for Portable {
    type Floats = [f32; TILE];
    type Integers = [i32; TILE];
    type Bytes = [u8; 64];

    #[inline(always)]
    unsafe fn floats(value: f32) -> [f32; TILE] {
        [value; TILE]
    }

    #[inline(always)]
    unsafe fn integers(value: i32) -> [i32; TILE] {
        [value; TILE]
    }

    #[inline(always)]
    unsafe fn line(line: &Line) -> [u8; 64] {
        line.0
    }

    #[inline(always)]
    unsafe fn low(bytes: [u8; 64]) -> [u8; 64] {
        bytes.map(|byte| byte & 15)
    }

    #[inline(always)]
    unsafe fn high(bytes: [u8; 64]) -> [u8; 64] {
        bytes.map(|byte| byte >> 4)
    }

    #[inline(always)]
    unsafe fn with_bits<const BIT: i8>(mut bytes: [u8; 64], mask: u64) -> [u8; 64] {
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte += (mask >> i & 1) as u8 * BIT as u8;
        }
        bytes
    }

    #[inline(always)]
    unsafe fn dot(mut sums: [i32; TILE], bytes: [u8; 64], x: [i8; 4]) -> [i32; TILE] {
        for (sum, bytes) in sums.iter_mut().zip(bytes.as_chunks::<4>().0) {
            for (&byte, x) in bytes.iter().zip(x) {
                *sum += i32::from(byte) * i32::from(x);
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn to_floats(integers: [i32; TILE]) -> [f32; TILE] {
        integers.map(|value| value as f32)
    }

    #[inline(always)]
    unsafe fn halves(halves: &[u16; TILE]) -> [f32; TILE] {
        halves.map(|bits| f16::from_bits(bits).to_f32())
    }

    #[inline(always)]
    unsafe fn unsigned(codes: &[u8; TILE]) -> [f32; TILE] {
        codes.map(f32::from)
    }

    #[inline(always)]
    unsafe fn signed(codes: &[u8; TILE]) -> [f32; TILE] {
        codes.map(|code| f32::from(code as i8))
    }

    #[inline(always)]
    unsafe fn add(mut a: [f32; TILE], b: [f32; TILE]) -> [f32; TILE] {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    }

    #[inline(always)]
    unsafe fn subtract(mut a: [f32; TILE], b: [f32; TILE]) -> [f32; TILE] {
        a.iter_mut().zip(b).for_each(|(a, b)| *a -= b);
        a
    }

    #[inline(always)]
    unsafe fn multiply(mut a: [f32; TILE], b: [f32; TILE]) -> [f32; TILE] {
        a.iter_mut().zip(b).for_each(|(a, b)| *a *= b);
        a
    }

    #[inline(always)]
    unsafe fn to_array(a: [f32; TILE]) -> [f32; TILE] {
        a
    }
}
