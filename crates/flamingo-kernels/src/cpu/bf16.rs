//! Numbers of f32 as bf16, and back.

use half::bf16;

use crate::cpu::simd::{LANES, Lanes, for_processor};

for_processor!(
    /// Writes the numbers, rounded to the nearest, ties to even.
    ///
    /// # Safety
    /// There must be as many places behind `to`.
    pub(crate) fn round(from: &[f32], to: *mut bf16) = round_of
);
for_processor!(
    /// Writes the numbers as they are.
    ///
    /// # Safety
    /// There must be as many places behind `to`.
    pub(crate) fn widen(from: &[bf16], to: *mut f32) = widen_of
);

#[inline(always)]
unsafe fn round_of<V: Lanes>(from: &[f32], to: *mut bf16) {
    let whole = from.len() / LANES * LANES;
    unsafe {
        for at in (0..whole).step_by(LANES) {
            V::load(from.as_ptr().add(at)).store_bf16(to.add(at));
        }
        for at in whole..from.len() {
            to.add(at).write(bf16::from_f32(from[at]));
        }
    }
}

#[inline(always)]
unsafe fn widen_of<V: Lanes>(from: &[bf16], to: *mut f32) {
    let whole = from.len() / LANES * LANES;
    unsafe {
        for at in (0..whole).step_by(LANES) {
            V::load_bf16(from.as_ptr().add(at)).store(to.add(at));
        }
        for at in whole..from.len() {
            to.add(at).write(from[at].to_f32());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd::InstructionSet;

    #[test]
    fn numbers_are_rounded_to_bf16_alike_with_every_instruction_set() {
        let mut x: Vec<f32> = (0..1 << 16).map(|i: u32| f32::from_bits(i << 16)).collect();
        // Ties, what is next to them, and numbers that are none whose upper half says otherwise.
        let beside = [1_u32, 0x7fff, 0x8000, 0x8001, 0xffff];
        let near = |&x: &f32| beside.map(|low| f32::from_bits(x.to_bits() | low));
        x.extend(x.clone().iter().flat_map(near));
        x.truncate(x.len() - 3);
        let bits = |x: &bf16| x.to_bits();
        let expected: Vec<u16> = x.iter().map(|&x| bf16::from_f32(x).to_bits()).collect();
        for set in InstructionSet::available() {
            let mut to = vec![bf16::ZERO; x.len()];
            // SAFETY: there are as many on both sides.
            unsafe { round(set, &x, to.as_mut_ptr()) };
            let found: Vec<u16> = to.iter().map(bits).collect();
            assert_eq!(found, expected, "{set}");
        }
    }
}
