//! The place of a quantised matrix in a layer.

use std::sync::{Arc, OnceLock};

use burn::module::{Param, ParamId};
use burn::tensor::{DType, Device, Shape, Tensor, TensorData};

use crate::epilogue::Epilogue;
use crate::{QuantisedMatrix, cpu, narrowed, widened};

/// Whether products with quantised weights are made on `device`: only on the processor, and where no
/// gradients are recorded.
pub fn multiplies_quantised(device: &Device) -> bool {
    *device == Device::flex() && !device.is_autodiff()
}

/// Where the weight of a layer stands when it is quantised. It is filled at most once, when a model
/// is loaded; clones of a layer share it.
#[derive(Debug, Clone, Default)]
pub struct QuantisedWeight(Arc<OnceLock<QuantisedMatrix>>);

impl QuantisedWeight {
    /// The matrix, if there is one.
    pub fn get(&self) -> Option<&QuantisedMatrix> {
        self.0.get()
    }

    /// Puts a matrix there.
    ///
    /// # Panics
    /// If there is one already.
    pub fn set(&self, matrix: QuantisedMatrix) {
        let empty = self.0.set(matrix).is_ok();
        assert!(empty, "a weight is quantised once, when it is loaded");
    }

    /// `x W^T` and what becomes of it, if the weight is quantised and `x` is on the processor and not recorded
    /// for gradients; those go through the dense weight.
    ///
    /// # Shapes
    /// - `x`: `[n, d_input]`
    /// - output: `[n, d_output]`
    pub fn product(&self, x: &Tensor<2>, epilogue: &Epilogue) -> Option<Tensor<2>> {
        let matrix = self.get()?;
        let (dtype, [n, _]) = (x.dtype(), x.dims());
        if !multiplies_quantised(&x.device()) {
            return None;
        }
        let (now, after) = match dtype == DType::F32 && epilogue.fits(dtype) {
            true => (epilogue.clone(), Epilogue::default()),
            false => (Epilogue::default(), epilogue.clone()),
        };
        let (x, now) = (cpu::contiguous(widened(x.clone())), now.held());
        let y = matrix.finished_product(cpu::elements(&x), now.finish());
        let y = narrowed(cpu::tensor(y, [n, matrix.shape()[0]]), dtype);
        Some(after.apply(y))
    }

    /// The parameter of a weight that is quantised: its dense numbers are made only if someone
    /// reads them.
    pub fn parameter<const D: usize>(
        &self,
        id: ParamId,
        device: &Device,
    ) -> Option<Param<Tensor<D>>> {
        let shape = self.get()?.shape();
        let matrix = self.clone();
        let values = move |device: &Device, _gradient: bool| {
            let values = matrix.get().map(QuantisedMatrix::dequantise);
            let data = TensorData::new(
                values.expect("filled before this parameter was made"),
                shape,
            );
            Tensor::from_data(data, device)
        };
        let device = device.clone();
        Some(Param::uninitialized(
            id,
            values,
            device,
            false,
            Shape::from(shape),
        ))
    }
}

/// The weights of a model that can be quantised, by the ids of their parameters.
#[derive(Debug, Clone, Default)]
pub struct QuantisedWeights {
    linear: Vec<(ParamId, QuantisedWeight)>,
    tables: Vec<(ParamId, QuantisedWeight)>,
}

impl QuantisedWeights {
    pub(crate) fn add_linear(&mut self, id: ParamId) -> QuantisedWeight {
        let weight = QuantisedWeight::default();
        self.linear.push((id, weight.clone()));
        weight
    }

    pub(crate) fn add_table(&mut self, id: ParamId) -> QuantisedWeight {
        let weight = QuantisedWeight::default();
        self.tables.push((id, weight.clone()));
        weight
    }

    /// That of a linear layer with the parameter `id`.
    pub fn linear(&self, id: ParamId) -> Option<&QuantisedWeight> {
        find(&self.linear, id)
    }

    /// That of an embedding with the parameter `id`, for its products as an output head; rows are
    /// always looked up in the parameter.
    pub fn table(&self, id: ParamId) -> Option<&QuantisedWeight> {
        find(&self.tables, id)
    }
}

fn find(list: &[(ParamId, QuantisedWeight)], id: ParamId) -> Option<&QuantisedWeight> {
    list.iter()
        .find(|(known, _)| *known == id)
        .map(|(_, weight)| weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Init, Linear, QuantKind, floats};

    fn quantised(device: &Device) -> Linear {
        let mut init = Init::new(3, device);
        let mut layer = Linear::new(64, 7, true, &mut init);
        let weight: Vec<f32> = layer.weight.val().into_data().try_to_vec().expect("f32");
        let matrix = QuantisedMatrix::nearest(QuantKind::Q8_0, [7, 64], &weight).expect("fits");
        layer.quantised.set(matrix);
        let parameter = layer.quantised.parameter(layer.weight.id, device);
        layer.weight = parameter.expect("it is quantised");
        layer
    }

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().try_to_vec().expect("f32")
    }

    #[test]
    fn a_layer_multiplies_with_its_quantised_weight_and_leaves_the_dense_one_unmade() {
        let device = Device::flex();
        let layer = quantised(&device);
        let x = Init::new(5, &device).normal([2, 5, 64], 1.0).val();
        let y = layer.forward(x.clone());
        assert_eq!(y.dims(), [2, 5, 7]);
        assert!(!layer.weight.is_initialized());
        let dense = x.reshape([10, 64]).matmul(layer.weight.val().transpose());
        for (a, b) in values(y).iter().zip(values(dense)) {
            assert!((a - b).abs() < 0.05, "{a} {b}");
        }
    }

    #[test]
    fn gradients_of_the_input_go_through_the_dense_numbers() {
        let device = Device::flex().autodiff();
        let layer = quantised(&device);
        let x = floats::<2>(vec![0.5; 3 * 64], [3, 64], &device).require_grad();
        let gradients = layer.forward(x.clone()).sum().backward();
        let found = values(x.grad(&gradients).expect("a gradient"));
        let matrix = layer.quantised.get().expect("it is quantised").dequantise();
        for (i, found) in found.iter().enumerate() {
            let column: f32 = matrix.iter().skip(i % 64).step_by(64).sum();
            assert!((found - column).abs() < 1e-5, "{i}: {found} {column}");
        }
    }
}
