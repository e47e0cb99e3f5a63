//! The few instructions that a product is made of, sixteen outputs at a time.
//!
//! Whatever the processor has, the same sums are made in the same order: integers are exact, and
//! floating-point products and sums are rounded one by one, so that all give the same bits.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
pub(super) mod portable;

use super::tiles::{Line, TILE};

/// Sixteen numbers at a time, and lines of 64 bytes.
///
/// # Safety
/// The processor must have the instructions that the implementor names.
pub(super) trait Simd {
    type Floats: Copy;
    type Integers: Copy;
    type Bytes: Copy;

    /// Whether there are registers for two lines and the sums of several rows with both.
    const PAIRS: bool = false;

    unsafe fn floats(value: f32) -> Self::Floats;
    unsafe fn integers(value: i32) -> Self::Integers;
    unsafe fn line(line: &Line) -> Self::Bytes;
    /// The low nibbles of each byte.
    unsafe fn low(bytes: Self::Bytes) -> Self::Bytes;
    /// The high nibbles of each byte, moved down.
    unsafe fn high(bytes: Self::Bytes) -> Self::Bytes;
    /// `bit` added to the bytes whose bit is set in `mask`.
    unsafe fn with_bits<const BIT: i8>(bytes: Self::Bytes, mask: u64) -> Self::Bytes;
    /// To each sum, four unsigned bytes times four signed ones.
    unsafe fn dot(sums: Self::Integers, bytes: Self::Bytes, x: [i8; 4]) -> Self::Integers;
    unsafe fn to_floats(integers: Self::Integers) -> Self::Floats;
    unsafe fn halves(halves: &[u16; TILE]) -> Self::Floats;
    unsafe fn unsigned(codes: &[u8; TILE]) -> Self::Floats;
    unsafe fn signed(codes: &[u8; TILE]) -> Self::Floats;
    unsafe fn add(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn subtract(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn multiply(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn to_array(a: Self::Floats) -> [f32; TILE];
    /// Tells the processor that these bytes will be read soon; does nothing where there are none.
    #[inline(always)]
    unsafe fn prefetch(_: *const u8) {}
}
