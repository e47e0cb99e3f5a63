//! The normaliser of a row of logits.

use crate::cpu::exp::exp;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};

/// Vectors whose sum is made in f32; sums of these in f64.
const BLOCK: usize = 64 * LANES;

/// The greatest of `values`, and the natural logarithm of the sum of the exponentials of their
/// distances from it: a value's log-probability is `value - greatest - logarithm`.
pub fn log_sum_exp(values: &[f32]) -> (f32, f32) {
    let greatest = greatest(values);
    // SAFETY: the instruction set is this processor's.
    let sum = unsafe { sum(InstructionSet::best(), values, greatest) };
    (greatest, sum.ln() as f32)
}

/// The greatest of `values`, what is no number left out; minus infinity if there is none.
pub fn greatest(values: &[f32]) -> f32 {
    // SAFETY: the instruction set is this processor's.
    unsafe { greatest_with(InstructionSet::best(), values) }
}

for_processor!(fn greatest_with(values: &[f32]) -> f32 = greatest_of);

#[inline(always)]
unsafe fn greatest_of<V: Lanes>(values: &[f32]) -> f32 {
    // One lane's maximum does not wait for another's.
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (parts, rest) = values.as_chunks::<LANES>();
    for part in parts {
        for (lane, value) in lanes.iter_mut().zip(part) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    let all = lanes.iter().chain(rest).copied();
    all.fold(f32::NEG_INFINITY, f32::max)
}

for_processor!(fn sum(values: &[f32], greatest: f32) -> f64 = sum_of);

#[inline(always)]
unsafe fn sum_of<V: Lanes>(values: &[f32], greatest: f32) -> f64 {
    let mut sum = 0.0;
    for block in values.chunks(BLOCK) {
        unsafe {
            let shift = V::splat(greatest);
            let mut lanes = V::splat(0.0);
            let whole = block.chunks_exact(LANES);
            let rest = whole.remainder();
            for part in whole {
                lanes = lanes.add(exp(V::load(part.as_ptr()).sub(shift)));
            }
            if !rest.is_empty() {
                let last = V::load_first(rest.as_ptr(), rest.len(), f32::NEG_INFINITY);
                lanes = lanes.add(exp(last.sub(shift)));
            }
            sum += f64::from(lanes.sum());
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_greatest_is_found_wherever_it_stands_and_what_is_no_number_is_left_out() {
        for len in [1, 15, 16, 17, 37] {
            for at in 0..len {
                let mut values: Vec<f32> = (0..len).map(|i| -(i as f32)).collect();
                values[(at + 1) % len] = f32::NAN;
                values[at] = 3.5;
                assert_eq!(super::greatest(&values), 3.5, "{at} of {len}");
            }
        }
        assert_eq!(super::greatest(&[]), f32::NEG_INFINITY);
        assert_eq!(super::greatest(&[f32::NAN]), f32::NEG_INFINITY);
    }

    use super::*;

    #[test]
    fn it_is_the_logarithm_of_the_sum_for_any_length() {
        for len in [1, 15, 16, 17, 1023, 5003] {
            let values: Vec<f32> = (0..len)
                .map(|i| ((i * 37) % 101) as f32 / 9.0 - 5.0)
                .collect();
            let (greatest, logarithm) = log_sum_exp(&values);
            let terms = values.iter().map(|&x| f64::from(x - greatest).exp());
            let expected = terms.sum::<f64>().ln();
            assert!((f64::from(logarithm) - expected).abs() < 1e-6, "{len}");
        }
        let hidden = log_sum_exp(&[f32::NEG_INFINITY, 3.0, f32::NEG_INFINITY]);
        assert_eq!(hidden, (3.0, 0.0));
    }
}
