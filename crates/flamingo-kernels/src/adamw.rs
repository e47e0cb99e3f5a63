//! The update of AdamW (Loshchilov and Hutter, 2019).

use burn::tensor::Tensor;

use crate::cpu::adamw::{Numbers, squares, update};
use crate::cpu::simd::InstructionSet;
use crate::cpu::{self, FlexTensor};

/// One update of some parameters.
#[derive(Debug, Clone, Copy)]
pub struct AdamWUpdate {
    /// Decay of the mean of gradients and of their squares.
    pub betas: [f64; 2],
    /// Added to the root of the latter.
    pub epsilon: f64,
    /// The learning rate.
    pub rate: f64,
    /// Share of a parameter that is taken off, times the learning rate.
    pub weight_decay: f64,
    /// What gradients are multiplied by.
    pub scale: f64,
    /// How many updates there are with this one.
    pub number: u64,
}

/// Means of gradients and of their squares.
pub type Moments = [Tensor<1>; 2];

impl AdamWUpdate {
    /// The parameters and moments behind the update; without moments it is the first one. On the processor, tensors
    /// that no one else holds are changed where they lie.
    ///
    /// # Shapes
    /// - all: `[n]`
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn apply(
        &self,
        values: Tensor<1>,
        gradient: Tensor<1>,
        moments: Option<Moments>,
    ) -> (Tensor<1>, Moments) {
        let [mean, square] = moments.unwrap_or_else(|| [values.zeros_like(), values.zeros_like()]);
        let all = [&values, &gradient, &mean, &square];
        if !all.into_iter().all(cpu::readable) {
            return self.plain(values, gradient, [mean, square]);
        }
        let gradient = cpu::plain_f32(cpu::primitive(gradient));
        let (mut new_mean, mut new_square) = (None, None);
        let [mean, square] = [mean, square].map(cpu::primitive::<1>);
        let values = cpu::transformed(cpu::primitive(values), |values| {
            new_mean = Some(cpu::transformed(mean, |mean| {
                new_square = Some(cpu::transformed(square, |square| {
                    let gradient = cpu::elements(&gradient);
                    let set = InstructionSet::best();
                    update(set, self.numbers(), gradient, values, [mean, square]);
                }));
            }));
        });
        let wrapped = |x: Option<FlexTensor>| cpu::wrapped(x.expect("it was made above"));
        (
            cpu::wrapped(values),
            [wrapped(new_mean), wrapped(new_square)],
        )
    }

    fn unbias(&self, beta: f64) -> f64 {
        1.0 - beta.powf(self.number as f64)
    }

    fn numbers(&self) -> Numbers {
        let [first, second] = self.betas;
        Numbers {
            betas: self.betas.map(|beta| beta as f32),
            rests: self.betas.map(|beta| (1.0 - beta) as f32),
            unbias: self.unbias(second) as f32,
            epsilon: self.epsilon as f32,
            rate: (self.rate / self.unbias(first)) as f32,
            kept: (1.0 - self.rate * self.weight_decay) as f32,
            scale: self.scale as f32,
        }
    }

    /// By tensor operations.
    fn plain(
        &self,
        values: Tensor<1>,
        gradient: Tensor<1>,
        [mean, square]: Moments,
    ) -> (Tensor<1>, Moments) {
        let ([first, second], g) = (self.betas, gradient * self.scale);
        let mean = mean * first + g.clone() * (1.0 - first);
        let square = square * second + g.clone() * g * (1.0 - second);
        let root = (square.clone() / self.unbias(second)).sqrt() + self.epsilon;
        let update = mean.clone() / root * (self.rate / self.unbias(first));
        let values = values * (1.0 - self.rate * self.weight_decay) - update;
        (values, [mean, square])
    }
}

/// The sum of the squares of all numbers.
pub fn sum_of_squares<const D: usize>(x: Tensor<D>) -> f64 {
    match cpu::readable(&x) {
        true => squares(
            InstructionSet::best(),
            cpu::elements(&cpu::plain_f32(cpu::primitive(x))),
        ),
        false => f64::from((x.clone() * x).sum().into_scalar::<f32>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, Init};

    const UPDATE: AdamWUpdate = AdamWUpdate {
        betas: [0.9, 0.98],
        epsilon: 1e-8,
        rate: 1e-2,
        weight_decay: 0.1,
        scale: 0.7,
        number: 3,
    };

    fn values(x: &Tensor<1>) -> Vec<f32> {
        x.clone().into_data().try_to_vec().expect("f32")
    }

    fn random(seed: u64) -> Tensor<1> {
        let mut init = Init::new(seed, &Device::flex());
        init.normal([2 * cpu::ALONE + 77], 1.0).val()
    }

    #[test]
    fn the_kernel_gives_what_plain_operations_give_and_leaves_what_others_hold_alone() {
        let [before, g, mean] = [1, 2, 3].map(random);
        let square = mean.clone() * mean.clone();
        let (expected, moments) =
            UPDATE.plain(before.clone(), g.clone(), [mean.clone(), square.clone()]);
        let held = values(&before);
        let (found, found_moments) = UPDATE.apply(before.clone(), g, Some([mean, square]));
        assert_eq!(values(&before), held);
        let both = [&expected, &moments[0], &moments[1]];
        for (found, expected) in [&found, &found_moments[0], &found_moments[1]]
            .iter()
            .zip(both)
        {
            for (found, expected) in values(found).iter().zip(values(expected)) {
                assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1.0));
            }
        }
    }

    #[test]
    fn the_first_update_moves_by_the_rate_against_the_gradient() {
        let first = AdamWUpdate {
            weight_decay: 0.0,
            number: 1,
            ..UPDATE
        };
        let [before, g] = [1, 2].map(random);
        let (after, _) = first.apply(before.clone(), g.clone(), None);
        for ((before, after), g) in values(&before).iter().zip(values(&after)).zip(values(&g)) {
            let moved = before - after;
            // Smaller ones are not large beside epsilon.
            if g.abs() < 1e-3 {
                continue;
            }
            assert!((moved - 0.01 * g.signum()).abs() < 1e-5, "{moved} {g}");
        }
    }

    #[test]
    fn squares_are_summed_alike_by_any_number_of_threads() {
        let x = random(5);
        let expected: f64 = values(&x).iter().map(|x| f64::from(*x).powi(2)).sum();
        let found = sum_of_squares(x.clone());
        assert!((found - expected).abs() < 1e-9 * expected);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
        let again = pool.expect("threads").install(|| sum_of_squares(x));
        assert_eq!(found.to_bits(), again.to_bits());
    }
}
