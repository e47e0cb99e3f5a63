//! The search for the scales of blocks, a part of a block in each lane of a vector.
//!
//! Each lane sums the numbers of its part in their order, so that what is found does not depend on the
//! instruction set, nor on the parts beside it.

use super::QuantKind;
use super::form::Form;
use super::rounding::MAGIC;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};

/// Ranges that are tried to either side, in tenths of a quant.
const TRIED: i32 = 9;

/// Numbers of a part at most.
const STEP: usize = 32;

/// What was found for up to [`LANES`] parts.
pub(super) struct Found {
    pub(super) scales: [f32; LANES],
    /// For formats with least values.
    pub(super) leasts: [f32; LANES],
    /// The lowest number of each part, for formats whose least value may have either sign.
    pub(super) lowest: [f32; LANES],
}

/// Sixteen parts: number `i` of each of them side by side.
struct Parts {
    numbers: [[f32; LANES]; STEP],
    step: usize,
}

impl Found {
    /// The best scales, and least values where the format has them, of the parts of `x`; of parts that
    /// are not there, nothing of use.
    pub(super) fn in_parts(set: InstructionSet, kind: QuantKind, x: &[f32]) -> Self {
        let mut found = Self {
            scales: [0.0; LANES],
            leasts: [0.0; LANES],
            lowest: [0.0; LANES],
        };
        let form = kind.form();
        if kind == QuantKind::Q8_0 {
            return found;
        }
        let mut parts = Parts::of(x, form.step);
        // SAFETY: `set` is one that this processor has.
        unsafe {
            match kind {
                QuantKind::Q4_0 | QuantKind::Q5_0 | QuantKind::Q6K | QuantKind::Q3K => {
                    symmetric(set, &parts, form, &mut found);
                }
                QuantKind::Q4_1 | QuantKind::Q5_1 => {
                    parts.lift(&mut found.lowest);
                    with_least(set, &parts, form, &mut found);
                }
                _ => with_least(set, &parts, form, &mut found),
            }
        }
        found
    }
}

impl Parts {
    fn of(x: &[f32], step: usize) -> Self {
        let mut numbers = [[0.0; LANES]; STEP];
        for (lane, part) in x.chunks_exact(step).enumerate() {
            for (to, &value) in numbers.iter_mut().zip(part) {
                to[lane] = value;
            }
        }
        Self { numbers, step }
    }

    /// Takes the lowest number of each part from all of them.
    fn lift(&mut self, lowest: &mut [f32; LANES]) {
        let numbers = &mut self.numbers[..self.step];
        *lowest = [f32::INFINITY; LANES];
        for row in numbers.iter() {
            for (lowest, value) in lowest.iter_mut().zip(row) {
                *lowest = lowest.min(*value);
            }
        }
        for row in numbers {
            for (value, lowest) in row.iter_mut().zip(lowest.iter()) {
                *value -= lowest;
            }
        }
    }
}

for_processor!(
    /// Scales of either sign, for quants that stand for `-offset ..= largest - offset`.
    fn symmetric(parts: &Parts, form: Form, found: &mut Found) = symmetric_of
);
for_processor!(
    /// Scales and least values (of at least 0), for quants `0 ..= largest`: `x` is about
    /// `scale * q - least`.
    fn with_least(parts: &Parts, form: Form, found: &mut Found) = with_least_of
);

/// The nearest whole numbers within two others; what is no number stays so.
#[inline(always)]
unsafe fn nearest_within<V: Lanes>(x: V, lowest: V, largest: V) -> V {
    unsafe {
        let magic = V::splat(MAGIC);
        largest.min(lowest.max(x.add(magic).sub(magic)))
    }
}

#[inline(always)]
unsafe fn symmetric_of<V: Lanes>(parts: &Parts, form: Form, found: &mut Found) {
    let (low, high) = (
        -(form.offset as f32),
        f32::from(form.largest) - form.offset as f32,
    );
    unsafe {
        let (zero, minus) = (V::splat(0.0), V::splat(-1.0));
        let (mut far, mut farthest) = (zero, zero);
        for i in 0..parts.step {
            let value = V::load(parts.numbers[i].as_ptr());
            let magnitude = value.max(value.mul(minus));
            let farther = magnitude.sub(farthest);
            far = farther.choose(value, far);
            farthest = farther.choose(magnitude, farthest);
        }
        // Of a part of zeros nothing below is a number, and the scale stays 0.
        let (mut best, mut most) = (zero, V::splat(f32::NEG_INFINITY));
        let (lowest, largest) = (V::splat(low), V::splat(high));
        for i in -TRIED..=TRIED {
            // The farthest number gets the lowest quant, or is cut off a little.
            let inverse = V::splat(low + 0.1 * i as f32).div(far);
            let (mut xq, mut qq) = (zero, zero);
            for i in 0..parts.step {
                let value = V::load(parts.numbers[i].as_ptr());
                let q = nearest_within(value.mul(inverse), lowest, largest);
                xq = xq.add(value.mul(q));
                qq = qq.add(q.mul(q));
            }
            // The best scale of these quants is xq / qq; it leaves sum(x^2) - xq^2 / qq.
            let score = xq.mul(xq).div(qq);
            let better = qq.choose(score.sub(most), zero);
            best = better.choose(xq.div(qq), best);
            most = better.choose(score, most);
        }
        best.store(found.scales.as_mut_ptr());
    }
}

#[inline(always)]
unsafe fn with_least_of<V: Lanes>(parts: &Parts, form: Form, found: &mut Found) {
    let levels = f32::from(form.largest);
    unsafe {
        let (zero, one, minus) = (V::splat(0.0), V::splat(1.0), V::splat(-1.0));
        let (mut low, mut high, mut sum) = (zero, zero, zero);
        for i in 0..parts.step {
            let value = V::load(parts.numbers[i].as_ptr());
            low = low.min(value);
            high = high.max(value);
            sum = sum.add(value);
        }
        let mut above = [[0.0; LANES]; STEP];
        for (numbers, above) in parts.numbers[..parts.step].iter().zip(&mut above) {
            let value = V::load(numbers.as_ptr());
            value.sub(low).store(above.as_mut_ptr());
        }
        let range = high.sub(low);
        let (n, largest, two) = (V::splat(parts.step as f32), V::splat(levels), V::splat(2.0));
        // Of a part of zeros nothing below is a number, and both stay 0.
        let mut best = range.choose(range.div(largest), zero);
        let mut best_least = range.choose(low.mul(minus), zero);
        let mut least_error = V::splat(f32::INFINITY);
        for i in -TRIED..=TRIED {
            let inverse = V::splat(levels + 0.1 * i as f32).div(range);
            let (mut q_sum, mut qq, mut xq) = (zero, zero, zero);
            for (numbers, above) in parts.numbers[..parts.step].iter().zip(&above) {
                let value = V::load(numbers.as_ptr());
                let q = V::load(above.as_ptr()).mul(inverse);
                let q = nearest_within(q, zero, largest);
                q_sum = q_sum.add(q);
                qq = qq.add(q.mul(q));
                xq = xq.add(value.mul(q));
            }
            // Least squares for these quants.
            let determinant = n.mul(qq).sub(q_sum.mul(q_sum));
            let fitted = n.mul(xq).sub(q_sum.mul(sum)).div(determinant);
            let at_zero = qq.mul(sum).sub(q_sum.mul(xq)).div(determinant);
            let alone = xq.div(qq.max(one));
            let scale = determinant.choose(at_zero.choose(alone, fitted), alone);
            let least = determinant.choose(at_zero.choose(zero, at_zero.mul(minus)), zero);
            // The sum of (scale * q - least - x)^2, less that of x^2, which is the same for all.
            let of_scale = scale.mul(qq).sub(two.mul(least.mul(q_sum).add(xq)));
            let of_least = n.mul(least).add(two.mul(sum));
            let error = scale.mul(of_scale).add(least.mul(of_least));
            let better = scale.choose(least_error.sub(error), zero);
            best = better.choose(scale, best);
            best_least = better.choose(least, best_least);
            least_error = better.choose(error, least_error);
        }
        best.store(found.scales.as_mut_ptr());
        best_least.store(found.leasts.as_mut_ptr());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantised::rounding::nearest;

    /// The scale of either sign for quants that stand for `-offset ..= largest - offset`.
    fn symmetric_scale(x: &[f32], form: Form) -> f32 {
        let far = x.iter().fold(
            0.0,
            |far: f32, &v| if v.abs() > far.abs() { v } else { far },
        );
        if far == 0.0 {
            return 0.0;
        }
        let (low, high) = (
            -(form.offset as f32),
            f32::from(form.largest) - form.offset as f32,
        );
        let (mut best, mut most) = (0.0, f32::NEG_INFINITY);
        for i in -TRIED..=TRIED {
            // The farthest number gets the lowest quant, or is cut off a little.
            let inverse = (low + 0.1 * i as f32) / far;
            let (mut xq, mut qq) = (0.0_f32, 0.0_f32);
            for &value in x {
                let q = nearest(value * inverse).clamp(low, high);
                xq += value * q;
                qq += q * q;
            }
            // The best scale of these quants is xq / qq; it leaves sum(x^2) - xq^2 / qq.
            if qq > 0.0 && xq * xq / qq > most {
                (best, most) = (xq / qq, xq * xq / qq);
            }
        }
        best
    }

    /// The scale and the least value (of at least 0) for quants `0 ..= largest`: `x` is about
    /// `scale * q - least`.
    fn scale_and_least(x: &[f32], largest: u8) -> (f32, f32) {
        let low = x.iter().copied().fold(0.0, f32::min);
        let high = x.iter().copied().fold(0.0, f32::max);
        let levels = f32::from(largest);
        if high == low {
            return (0.0, 0.0);
        }
        let n = x.len() as f32;
        let sum: f32 = x.iter().sum();
        let (mut best, mut least_error) = (((high - low) / levels, -low), f32::INFINITY);
        for i in -TRIED..=TRIED {
            let inverse = (levels + 0.1 * i as f32) / (high - low);
            let (mut q_sum, mut qq, mut xq) = (0.0_f32, 0.0_f32, 0.0_f32);
            for &value in x {
                let q = nearest((value - low) * inverse).clamp(0.0, levels);
                q_sum += q;
                qq += q * q;
                xq += value * q;
            }
            // Least squares for these quants.
            let determinant = n * qq - q_sum * q_sum;
            let (mut scale, mut least) = (xq / qq.max(1.0), 0.0);
            if determinant > 0.0 {
                let fitted = (n * xq - q_sum * sum) / determinant;
                let at_zero = (qq * sum - q_sum * xq) / determinant;
                if at_zero <= 0.0 {
                    (scale, least) = (fitted, -at_zero);
                }
            }
            // The sum of (scale * q - least - x)^2, less that of x^2, which is the same for all.
            let error =
                scale * (scale * qq - 2.0 * (least * q_sum + xq)) + least * (n * least + 2.0 * sum);
            if error < least_error && scale > 0.0 {
                (best, least_error) = ((scale, least), error);
            }
        }
        best
    }

    /// Parts of which some are zeros, tiny, of one sign, or have one number that is far from all others.
    fn numbers(step: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        let mut all = Vec::new();
        for part in 0..LANES {
            let mut x: Vec<f32> = (0..step).map(|_| next() * next()).collect();
            match part {
                2 => x.fill(0.0),
                3 => x.iter_mut().for_each(|x| *x *= 1e-42),
                5 => x.iter_mut().for_each(|x| *x = x.abs() + 0.1),
                7 => x[step / 2] = -65504.0,
                11 => x.fill(0.7),
                13 => x.iter_mut().for_each(|x| *x *= 1e-38),
                _ => {}
            }
            all.extend(x);
        }
        all
    }

    #[test]
    fn every_instruction_set_finds_what_a_search_of_one_part_after_the_other_finds() {
        for (set, kind) in InstructionSet::available()
            .into_iter()
            .flat_map(|set| QuantKind::ALL.map(|kind| (set, kind)))
        {
            let form = kind.form();
            for seed in 0..20 {
                let x = numbers(form.step, seed);
                let found = Found::in_parts(set, kind, &x);
                for (lane, part) in x.chunks(form.step).enumerate() {
                    let (scale, least) = match kind {
                        QuantKind::Q8_0 => continue,
                        QuantKind::Q4_0 | QuantKind::Q5_0 | QuantKind::Q6K | QuantKind::Q3K => {
                            (symmetric_scale(part, form), 0.0)
                        }
                        QuantKind::Q4_1 | QuantKind::Q5_1 => {
                            let lowest = part.iter().copied().fold(f32::INFINITY, f32::min);
                            assert_eq!(found.lowest[lane], lowest);
                            let above: Vec<f32> = part.iter().map(|x| x - lowest).collect();
                            scale_and_least(&above, form.largest)
                        }
                        _ => scale_and_least(part, form.largest),
                    };
                    let here = [found.scales[lane], found.leasts[lane]];
                    assert_eq!(here, [scale, least], "{set} {kind}, part {lane} of {seed}");
                }
            }
        }
    }
}
