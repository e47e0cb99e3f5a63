//! Activations in 8 bits.

use super::QuantKind;
use super::rounding::MAGIC;
use crate::cpu::product::Shared;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};
use crate::cpu::tasks::for_each;

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
        let form = kind.form();
        let (steps, parts) = (x.len() / STEP, STEP / form.step);
        let mut all = Self {
            quants: Vec::with_capacity(steps * STEP / 4),
            scales: Vec::with_capacity(steps),
            starts: Vec::with_capacity(steps * parts),
            sums: Vec::with_capacity(steps * parts),
        };
        let to = To {
            quants: Shared::unwritten(&mut all.quants),
            scales: Shared::unwritten(&mut all.scales),
            starts: Shared::unwritten(&mut all.starts),
            sums: Shared::unwritten(&mut all.sums),
            parts,
            offset: form.offset as f32,
        };
        let set = InstructionSet::best();
        let task = |number: usize| {
            let first = number * AT_ONCE;
            let steps = [first, (first + AT_ONCE).min(steps)];
            // SAFETY: there is room for all steps, and each task fills that of its own.
            unsafe { quantise(set, x, steps, &to) }
        };
        for_each(steps.div_ceil(AT_ONCE), task);
        // SAFETY: the tasks were all of it.
        unsafe {
            all.quants.set_len(steps * STEP / 4);
            all.scales.set_len(steps);
            all.starts.set_len(steps * parts);
            all.sums.set_len(steps * parts);
        }
        all
    }
}

/// Steps of a task.
const AT_ONCE: usize = 512;

/// Where the quants of all steps go.
struct To {
    quants: Shared<[i8; 4]>,
    scales: Shared<f32>,
    starts: Shared<i32>,
    sums: Shared<f32>,
    parts: usize,
    offset: f32,
}

for_processor!(fn quantise(x: &[f32], steps: [usize; 2], to: &To) = quantise_of);

#[inline(always)]
unsafe fn quantise_of<V: Lanes>(x: &[f32], steps: [usize; 2], to: &To) {
    unsafe {
        let (zero, magic, middle) = (V::splat(0.0), V::splat(MAGIC), V::splat(128.0));
        for step in steps[0]..steps[1] {
            let from = x.as_ptr().add(step * STEP);
            let x = [V::load(from), V::load(from.add(LANES))];
            let [first, second] = [x[0].max(zero.sub(x[0])), x[1].max(zero.sub(x[1]))];
            // A maximum may leave out what is no number; this sum does not, nor what is infinite.
            let none = x[0].mul(zero).add(x[1].mul(zero)).sum();
            let largest = first.max(second).greatest() + none;
            let scale = largest / 127.0;
            let inverse = if scale > 0.0 { 127.0 / largest } else { 0.0 };
            let inverse = if inverse.is_finite() { inverse } else { 0.0 };
            let mut quants = x;
            for half in 0..2 {
                quants[half] = x[half].mul(V::splat(inverse)).add(magic).sub(magic);
            }
            let bytes = to.quants.behind(step * STEP / 4).pointer().cast::<u8>();
            for half in 0..2 {
                quants[half]
                    .add(middle)
                    .store_bytes(bytes.add(half * LANES));
            }
            for i in 0..STEP / 4 {
                // Less the middle: its bit is the sign.
                let four = bytes.cast::<u32>().add(i);
                four.write_unaligned(four.read_unaligned() ^ 0x8080_8080);
            }
            let halves = V::sums([quants[0], quants[1], zero, zero]);
            to.scales.behind(step).pointer().write(scale);
            let (starts, sums) = (
                to.starts.behind(step * to.parts),
                to.sums.behind(step * to.parts),
            );
            for part in 0..to.parts {
                let of_part = match to.parts {
                    1 => halves[0] + halves[1],
                    _ => halves[part],
                };
                starts
                    .pointer()
                    .add(part)
                    .write((-to.offset * of_part) as i32);
                sums.pointer().add(part).write(scale * of_part);
            }
        }
    }
}
