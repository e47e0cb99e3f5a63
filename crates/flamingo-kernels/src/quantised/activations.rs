//! Activations in 8 bits.

use super::QuantKind;
use super::rounding::nearest;
use crate::cpu::simd::{InstructionSet, Lanes, for_processor};

/// Numbers of an activation that have one scale.
pub(super) const STEP: usize = 32;

/// Rows of activations: number `i` of a row is about `scales[i / 32] * quants[i]`.
///
/// A number that is infinite or none makes its scale so, and with it all that it is multiplied to.
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

/// What the compiler makes of it with the instructions of `V`: the same bits with all of them.
#[inline(always)]
unsafe fn fill_of<V: Lanes>(all: &mut Activations, kind: QuantKind, x: &[f32]) {
    let form = kind.form();
    let parts = STEP / form.step;
    let outs = all.quants.as_chunks_mut::<{ STEP / 4 }>().0;
    for (i, (x, out)) in x.as_chunks::<STEP>().0.iter().zip(outs).enumerate() {
        let scale = quantise(x, out.as_flattened_mut());
        for (part, quants) in out.as_flattened().chunks(form.step).enumerate() {
            let of_part: i32 = quants.iter().map(|&q| i32::from(q)).sum();
            all.starts[i * parts + part] = -form.offset * of_part;
            all.sums[i * parts + part] = scale * of_part as f32;
        }
        all.scales[i] = scale;
    }
}

/// Fills `out`, and returns the scale.
#[inline(always)]
fn quantise(x: &[f32; STEP], out: &mut [i8]) -> f32 {
    // Magnitudes are ordered as their bits are, and what is no number comes last.
    let magnitude = |value: &f32| value.to_bits() & 0x7fff_ffff;
    let largest = f32::from_bits(x.iter().map(magnitude).max().unwrap_or(0));
    let scale = largest / 127.0;
    let inverse = if scale > 0.0 { 127.0 / largest } else { 0.0 };
    let inverse = if inverse.is_finite() { inverse } else { 0.0 };
    for (value, out) in x.iter().zip(out) {
        *out = nearest(value * inverse) as i32 as i8;
    }
    scale
}
