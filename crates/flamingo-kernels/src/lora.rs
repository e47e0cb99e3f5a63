//! What a frozen linear layer learns in few numbers: LoRA (Hu et al., 2021).
//!
//! `y = W x + b + scale * B (A x)`, `A` of `[rank, d_input]`, `B` of `[d_output, rank]`. `B` begins at 0, so at first the
//! layer is the frozen one. `W` may be quantised: it is only multiplied with.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::Init;

/// How large the change of a layer may be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoraConfig {
    /// Rank of the change.
    pub rank: usize,
    /// The change is multiplied by `alpha / rank`.
    #[serde(default = "alpha")]
    pub alpha: f64,
}

fn alpha() -> f64 {
    16.0
}

impl LoraConfig {
    /// Of this rank, `alpha` as usual.
    pub fn of_rank(rank: usize) -> Self {
        Self {
            rank,
            alpha: alpha(),
        }
    }

    /// What the change is multiplied by.
    pub fn scale(&self) -> f64 {
        self.alpha / self.rank as f64
    }

    /// # Errors
    /// If it describes no change.
    pub fn check(&self) -> Result<(), String> {
        match self.rank > 0 && self.alpha.is_finite() && self.alpha != 0.0 {
            true => Ok(()),
            false => Err(format!(
                "lora has rank {} and alpha {}: the rank is at least 1, alpha a number that is not 0",
                self.rank, self.alpha
            )),
        }
    }
}

/// The change of one layer.
#[derive(Module, Debug)]
pub struct Lora {
    /// `[rank, d_input]`.
    pub a: Param<Tensor<2>>,
    /// `[d_output, rank]`.
    pub b: Param<Tensor<2>>,
    #[module(skip)]
    scale: f64,
}

impl Lora {
    /// No change yet: `A` normal with standard deviation `1 / sqrt(d_input)`, `B` 0.
    pub fn new(config: &LoraConfig, d_input: usize, d_output: usize, init: &mut Init) -> Self {
        Self {
            a: init.normal([config.rank, d_input], (d_input as f64).powf(-0.5)),
            b: init.full([d_output, config.rank], 0.0),
            scale: config.scale(),
        }
    }

    /// What `B A` is multiplied by.
    pub fn scale(&self) -> f64 {
        self.scale
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::differentiable::testing::{backward, devices, gradient, leaf, values};
    use crate::{Device, Linear, QuantKind, QuantisedMatrix, affine, floats};

    const CONFIG: LoraConfig = LoraConfig {
        rank: 2,
        alpha: 3.0,
    };

    /// A layer of 5 to 7 whose `B` is no longer 0.
    fn learnt(device: &Device) -> Linear {
        let mut init = Init::new(3, device);
        let mut layer = Linear::new(5, 7, true, &mut init).freeze();
        layer.add_lora(&CONFIG, &mut init);
        layer.lora.as_mut().unwrap().b =
            Param::from_tensor(leaf([7, 2], 9, device.is_autodiff(), device));
        layer
    }

    #[test]
    fn a_change_that_has_learnt_nothing_leaves_the_layer_as_it_is() {
        let device = Device::flex();
        let mut init = Init::new(3, &device);
        let mut layer = Linear::new(5, 7, true, &mut init);
        let x: Tensor<2> = leaf([11, 5], 1, false, &device);
        let before = values(layer.forward(x.clone()));
        layer.add_lora(&CONFIG, &mut init);
        assert_eq!(before, values(layer.forward(x)));
    }

    #[test]
    fn the_output_is_that_of_the_weight_with_the_product_of_both_added() {
        let layer = learnt(&Device::flex());
        let lora = layer.lora.clone().unwrap();
        assert_eq!(lora.scale(), 1.5);
        let weight = layer.weight.val() + lora.b.val().matmul(lora.a.val()) * 1.5;
        let x: Tensor<2> = leaf([3, 5], 1, false, &Device::flex());
        let expected = affine(x.clone(), weight, layer.bias.as_ref().map(Param::val));
        for (a, b) in values(layer.forward(x)).iter().zip(values(expected)) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    /// The weighted sum of outputs that [`backward`] takes, of a layer with these numbers in `A` and `B`.
    fn weighted(a: &[f32], b: &[f32]) -> f64 {
        let device = Device::flex();
        let mut layer = learnt(&device);
        let lora = layer.lora.as_mut().unwrap();
        lora.a = Param::from_tensor(floats(a.to_vec(), [2, 5], &device));
        lora.b = Param::from_tensor(floats(b.to_vec(), [7, 2], &device));
        let x: Tensor<2> = leaf([3, 5], 1, false, &device);
        let weights = leaf([3, 7], 97, false, &device);
        let outputs = values(layer.forward(x)).into_iter().zip(values(weights));
        outputs.map(|(y, w)| f64::from(y) * f64::from(w)).sum()
    }

    #[test]
    fn gradients_are_those_of_finite_differences_and_the_weight_has_none() {
        for device in devices() {
            let layer = learnt(&device);
            let lora = layer.lora.clone().unwrap();
            let x: Tensor<2> = leaf([3, 5], 1, false, &device);
            let gradients = backward(layer.forward(x));
            assert!(layer.weight.val().grad(&gradients).is_none());
            let [a, b] = [&lora.a, &lora.b].map(|param| values(param.val()));
            let found = [&lora.a, &lora.b].map(|param| gradient(&param.val(), &gradients));
            // The sum is linear in each number, so a large step is exact but for rounding.
            let step = 0.5;
            for at in 0..a.len() + b.len() {
                let moved = |by: f32| {
                    let (mut a, mut b) = (a.clone(), b.clone());
                    match at < a.len() {
                        true => a[at] += by,
                        false => b[at - a.len()] += by,
                    }
                    weighted(&a, &b)
                };
                let expected = (moved(step) - moved(-step)) / f64::from(2.0 * step);
                let found = found.concat()[at];
                assert!(
                    (f64::from(found) - expected).abs() < 1e-3,
                    "{at}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn a_quantised_layer_has_the_change_of_a_dense_one() {
        let device = Device::flex();
        let mut init = Init::new(3, &device);
        let plain = Linear::new(64, 7, true, &mut init);
        let numbers = values(plain.weight.val());
        let matrix = QuantisedMatrix::nearest(QuantKind::Q8_0, [7, 64], &numbers).unwrap();
        plain.packed.set(matrix);
        let mut changed = plain.clone();
        changed.add_lora(&CONFIG, &mut init);
        changed.lora.as_mut().unwrap().b = Param::from_tensor(leaf([7, 2], 9, false, &device));
        let x: Tensor<2> = leaf([3, 64], 1, false, &device);
        let difference = changed.forward(x.clone()) - plain.forward(x.clone());
        let lora = changed.lora.unwrap();
        let change = affine(affine(x, lora.a.val(), None), lora.b.val(), None) * lora.scale();
        for (a, b) in values(difference).iter().zip(values(change)) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }

    #[test]
    fn a_rank_of_0_is_refused() {
        assert!(LoraConfig::of_rank(8).check().is_ok());
        assert!(
            LoraConfig::of_rank(0)
                .check()
                .unwrap_err()
                .contains("rank 0")
        );
    }
}
