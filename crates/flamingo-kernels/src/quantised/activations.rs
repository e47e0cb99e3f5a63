//! Activations in 8 bits.

use super::QuantKind;
use super::rounding::MAGIC;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};

/// Numbers of an activation that have one scale.
pub(super) const STEP: usize = 32;

/// Rows of activations: number `i` of a row is about `scales[i / 32] * quants[i]`.
///
/// A number that is infinite or none makes its scale none, and with it all that it is multiplied to.
pub(super) struct Activations {
    /// In -127 ..= 127, four in one.
    pub(super) quants: Vec<[i8; 4]>,
    /// One for each 32 numbers.
    pub(super) scales: Vec<f32>,
    /// What the offset of the weights' quants makes wrong, one for each scale of the weights.
    pub(super) starts: Vec<i32>,
    /// The sums of the numbers, one for each scale of the weights: for weights with a least value.
    pub(super) sums: Vec<f32>,
}

impl Activations {
    /// # Shapes
    /// - `x`: `[n, d_input]`, row-major
    pub(super) fn new(kind: QuantKind, x: &[f32]) -> Self {
        let parts = STEP / kind.form().step;
        let mut all = Self {
            quants: vec![[0; 4]; x.len() / 4],
            scales: vec![0.0; x.len() / STEP],
            starts: vec![0; x.len() / STEP * parts],
            sums: vec![0.0; x.len() / STEP * parts],
        };
        // SAFETY: the instruction set is this processor's.
        unsafe { fill(InstructionSet::best(), &mut all, kind, x) };
        all
    }
}

for_processor!(fn fill(all: &mut Activations, kind: QuantKind, x: &[f32]) = fill_of);

/// Added to a quant, so that it is a byte without a sign; its bit is turned afterwards.
const SIGN: u8 = 128;

#[inline(always)]
unsafe fn fill_of<V: Lanes>(all: &mut Activations, kind: QuantKind, x: &[f32]) {
    let form = kind.form();
    let parts = STEP / form.step;
    let outs = all.quants.as_chunks_mut::<{ STEP / 4 }>().0;
    for (i, (x, out)) in x.as_chunks::<STEP>().0.iter().zip(outs).enumerate() {
        unsafe {
            let halves = [0, 1].map(|half| V::load(x.as_ptr().add(half * LANES)));
            let largest = largest(halves);
            let scale = largest / 127.0;
            let inverse = if scale > 0.0 { 127.0 / largest } else { 0.0 };
            let inverse = if inverse.is_finite() { inverse } else { 0.0 };
            let [magic, sign] = [MAGIC, f32::from(SIGN)].map(|value| V::splat(value));
            let rounded = |half: V| half.mul(V::splat(inverse)).add(magic).sub(magic);
            let quants = [rounded(halves[0]), rounded(halves[1])];
            let bytes = out.as_flattened_mut().as_chunks_mut::<LANES>().0;
            for (bytes, quants) in bytes.iter_mut().zip(quants) {
                quants.add(sign).store_bytes(bytes.as_mut_ptr().cast());
                for byte in bytes {
                    *byte ^= i8::MIN;
                }
            }
            // Sums of so few are exact.
            let sums = match parts {
                1 => [quants[0].add(quants[1]).sum(), 0.0],
                _ => [quants[0].sum(), quants[1].sum()],
            };
            for (part, sum) in sums.into_iter().take(parts).enumerate() {
                all.starts[i * parts + part] = -form.offset * sum as i32;
                all.sums[i * parts + part] = scale * sum;
            }
            all.scales[i] = scale;
        }
    }
}

/// The largest of the magnitudes; no number if one is none.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // what the compiler makes vectors of
unsafe fn largest<V: Lanes>(halves: [V; 2]) -> f32 {
    let mut bits = [0; LANES];
    unsafe {
        let zero = V::splat(0.0);
        let [a, b] = [
            halves[0].max(zero.sub(halves[0])),
            halves[1].max(zero.sub(halves[1])),
        ];
        // Zero where both are finite, else no number.
        let finite = halves[0].sub(halves[0]).add(halves[1].sub(halves[1]));
        let mut lanes = [0.0; LANES];
        a.max(b).add(finite).store(lanes.as_mut_ptr());
        for i in 0..LANES {
            bits[i] = lanes[i].to_bits() & 0x7fff_ffff;
        }
    }
    // Magnitudes are ordered as their bits are, and what is no number comes last.
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            bits[i] = bits[i].max(bits[i + half]);
        }
        half /= 2;
    }
    f32::from_bits(bits[0])
}
