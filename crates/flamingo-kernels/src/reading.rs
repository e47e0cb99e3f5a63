//! Reading memory as fast as it can be, to measure that.

use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};

/// Sums that are made side by side.
const SUMS: usize = 8;

/// The sum of `values`, in whatever order is fastest.
pub fn sum(values: &[f32]) -> f32 {
    // SAFETY: the instruction set is this processor's.
    unsafe { sum_with(InstructionSet::best(), values) }
}

for_processor!(fn sum_with(values: &[f32]) -> f32 = sum_of);

#[inline(always)]
unsafe fn sum_of<V: Lanes>(values: &[f32]) -> f32 {
    unsafe {
        let mut sums = [V::splat(0.0); SUMS];
        let parts = values.chunks_exact(SUMS * LANES);
        let rest: f32 = parts.remainder().iter().sum();
        for part in parts {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = sum.add(V::load(part.as_ptr().add(i * LANES)));
            }
        }
        sums.into_iter().map(|sum| sum.sum()).sum::<f32>() + rest
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_number_is_summed_once() {
        for len in [0usize, 1, 127, 128, 1000] {
            let values: Vec<f32> = (0..len).map(|i| i as f32).collect();
            assert_eq!(
                super::sum(&values),
                (len * len.saturating_sub(1) / 2) as f32
            );
        }
    }
}
