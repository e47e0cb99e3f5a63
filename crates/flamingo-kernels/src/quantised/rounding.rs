//! Numbers to whole numbers.

use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};

/// A number below 2^22 that this was added to and taken from is whole: 1.5 * 2^23, whose last bit is
/// worth 1.
pub(super) const MAGIC: f32 = 12_582_912.0;

/// The nearest whole number of one below 2^22, ties to even.
#[inline(always)]
pub(super) fn nearest(x: f32) -> f32 {
    (x + MAGIC) - MAGIC
}

/// How numbers become quants: `(x + least) * inverse` rounded, `offset` added, cut off.
pub(super) struct Rounding {
    pub(super) least: f32,
    pub(super) inverse: f32,
    pub(super) offset: f32,
    pub(super) lowest: f32,
    pub(super) largest: f32,
}

impl Rounding {
    /// Fills `out`.
    ///
    /// # Panics
    /// If there are more numbers than places, or they are no whole vectors.
    pub(super) fn apply(&self, set: InstructionSet, x: &[f32], out: &mut [u8]) {
        assert!(
            x.len() <= out.len() && x.len().is_multiple_of(LANES),
            "lengths"
        );
        // SAFETY: `set` is one that this processor has, and the lengths were checked.
        unsafe { quants(set, self, x, out.as_mut_ptr()) }
    }
}

for_processor!(fn quants(how: &Rounding, x: &[f32], out: *mut u8) = quants_of);

#[inline(always)]
unsafe fn quants_of<V: Lanes>(how: &Rounding, x: &[f32], out: *mut u8) {
    unsafe {
        let (least, inverse) = (V::splat(how.least), V::splat(how.inverse));
        let (offset, magic) = (V::splat(how.offset), V::splat(MAGIC));
        let (lowest, largest) = (V::splat(how.lowest), V::splat(how.largest));
        for at in (0..x.len()).step_by(LANES) {
            let value = V::load(x.as_ptr().add(at)).add(least).mul(inverse);
            let quant = value.add(magic).sub(magic).add(offset);
            largest.min(lowest.max(quant)).store_bytes(out.add(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_rounds_as_one_number_after_the_other() {
        let x: Vec<f32> = (-512..512).map(|i| i as f32 * 0.37).collect();
        for (inverse, offset, lowest, largest) in [
            (1.0, 128.0, 1.0, 255.0),
            (0.3, 0.0, 0.0, 15.0),
            (0.5, 32.0, 0.0, 63.0),
            // Of a scale that is too small: 0 times it is no number.
            (f32::INFINITY, 8.0, 0.0, 15.0),
        ] {
            let how = Rounding {
                least: 0.25,
                inverse,
                offset,
                lowest,
                largest,
            };
            let one = |&x: &f32| {
                let quant = nearest((x + how.least) * how.inverse) + how.offset;
                quant.clamp(lowest, largest) as u8
            };
            let mut x = x.clone();
            x[3] = -0.25;
            let expected: Vec<u8> = x.iter().map(one).collect();
            for set in InstructionSet::available() {
                let mut found = vec![77; x.len()];
                how.apply(set, &x, &mut found);
                assert_eq!(found, expected, "{set}");
            }
        }
    }
}
