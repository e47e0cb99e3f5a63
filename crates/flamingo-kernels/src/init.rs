//! Initial values of parameters: deterministic from one seed, drawn only when first read.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Shape, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{PackedWeight, PackedWeights};

/// Hands out parameters. Each gets its own stream of numbers, so its values depend on the seed and
/// on its place in the order of construction, not on when it is first read; a parameter that is
/// replaced by a loaded tensor is never drawn at all.
pub struct Init {
    device: Device,
    seed: u64,
    next: u64,
    packed: PackedWeights,
}

impl Init {
    /// Parameters on `device`, from `seed`.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self {
            device: device.clone(),
            seed,
            next: 0,
            packed: PackedWeights::default(),
        }
    }

    /// The device that parameters are created on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The place of `weight` when it is packed, for a layer that multiplies with it.
    pub fn packable(&mut self, weight: &Param<Tensor<2>>) -> PackedWeight {
        self.packed.add_linear(weight.id)
    }

    /// The place of `table` when it is packed, for an embedding that is an output head, too.
    pub fn packable_table(&mut self, table: &Param<Tensor<2>>) -> PackedWeight {
        self.packed.add_table(table.id)
    }

    /// What can be packed of all that was handed out.
    pub fn packed_weights(&self) -> &PackedWeights {
        &self.packed
    }

    /// Normally distributed values with standard deviation `std`.
    pub fn normal<const D: usize>(&mut self, shape: [usize; D], std: f64) -> Param<Tensor<D>> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.next);
        self.lazy(shape, move |len| {
            (0..len).map(|_| std as f32 * gaussian(&mut rng)).collect()
        })
    }

    /// Every value `value`.
    pub fn full<const D: usize>(&mut self, shape: [usize; D], value: f32) -> Param<Tensor<D>> {
        self.lazy(shape, move |len| vec![value; len])
    }

    fn lazy<const D: usize>(
        &mut self,
        shape: [usize; D],
        values: impl FnOnce(usize) -> Vec<f32> + Send + Sync + 'static,
    ) -> Param<Tensor<D>> {
        self.next += 1;
        Param::uninitialized(
            ParamId::new(),
            move |device, require_grad| {
                let data = TensorData::new(values(shape.iter().product()), shape);
                Tensor::from_data(data, device).set_require_grad(require_grad)
            },
            self.device.clone(),
            true,
            Shape::from(shape),
        )
    }
}

/// One standard normal number, by Box and Muller.
fn gaussian(rng: &mut ChaCha8Rng) -> f32 {
    let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
    radius * (std::f32::consts::TAU * rng.random::<f32>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(read_second_first: bool) -> (Vec<f32>, Vec<f32>) {
        let mut init = Init::new(7, &Device::flex());
        let (first, second) = (init.normal([3, 5], 0.5), init.normal([2], 0.5));
        let values = |p: &Param<Tensor<2>>| p.val().into_data().try_to_vec::<f32>().expect("f32");
        let values1 = |p: &Param<Tensor<1>>| p.val().into_data().try_to_vec::<f32>().expect("f32");
        if read_second_first {
            let second = values1(&second);
            (values(&first), second)
        } else {
            (values(&first), values1(&second))
        }
    }

    #[test]
    fn values_depend_on_the_seed_and_the_order_of_construction_only() {
        assert_eq!(draw(false), draw(true));
        let (first, second) = draw(false);
        assert_ne!(first[..2], second[..]);
    }

    #[test]
    fn normal_values_have_the_standard_deviation_asked_for() {
        let values = Init::new(1, &Device::flex()).normal([100, 100], 0.02).val();
        let std = values.var(1).mean().sqrt().into_scalar::<f32>();
        assert!((std - 0.02).abs() < 0.001, "{std}");
    }
}
