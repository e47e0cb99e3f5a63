//! The place of a matrix that is laid out for products, in a layer.

use std::sync::{Arc, OnceLock};

use burn::module::{Param, ParamId};
use burn::tensor::{DType, Device, Int, Shape, Tensor, TensorData};

use crate::cpu::FlexTensor;
use crate::cpu::product::{Rows, Sizes, product};
use crate::cpu::simd::InstructionSet;
use crate::epilogue::{Epilogue, Held};
use crate::{Bf16Matrix, QuantisedMatrix, cpu, narrowed, widened};

/// Whether products with packed weights are made on `device`: only on the processor, and where no
/// gradients are recorded.
pub fn multiplies_packed(device: &Device) -> bool {
    *device == Device::flex() && !device.is_autodiff()
}

/// A matrix of weights as products read it.
#[derive(Debug, Clone)]
pub enum PackedMatrix {
    /// In a few bits a number.
    Quantised(QuantisedMatrix),
    /// In bf16.
    Bf16(Bf16Matrix),
}

impl From<QuantisedMatrix> for PackedMatrix {
    fn from(matrix: QuantisedMatrix) -> Self {
        Self::Quantised(matrix)
    }
}

impl From<Bf16Matrix> for PackedMatrix {
    fn from(matrix: Bf16Matrix) -> Self {
        Self::Bf16(matrix)
    }
}

impl PackedMatrix {
    /// `[d_output, d_input]`.
    pub fn shape(&self) -> [usize; 2] {
        match self {
            PackedMatrix::Quantised(matrix) => matrix.shape(),
            PackedMatrix::Bf16(matrix) => matrix.shape(),
        }
    }

    /// In what type its products are made at once.
    fn dtype(&self) -> DType {
        match self {
            PackedMatrix::Quantised(_) => DType::F32,
            PackedMatrix::Bf16(_) => DType::BF16,
        }
    }

    /// Its numbers as a tensor.
    fn dense<const D: usize>(&self, device: &Device) -> Tensor<D> {
        let (shape, dtype) = (self.shape(), self.dtype());
        let data = match self {
            PackedMatrix::Quantised(matrix) => TensorData::new(matrix.dequantise(), shape),
            PackedMatrix::Bf16(matrix) => TensorData::new(matrix.values(), shape),
        };
        Tensor::from_data(data, (device, dtype))
    }

    /// `x W^T` in the type of `x`, finished with what fits that.
    fn product(&self, x: &Tensor<2>, epilogue: Epilogue) -> Tensor<2> {
        let (dtype, [m, k], [n, _]) = (x.dtype(), x.dims(), self.shape());
        let held = epilogue.held();
        let y = match self {
            PackedMatrix::Quantised(matrix) => {
                let x = cpu::contiguous(widened(x.clone()));
                matrix.finished_product(cpu::elements(&x), held.finish())
            }
            PackedMatrix::Bf16(matrix) if dtype == DType::BF16 => {
                let x = cpu::contiguous(x.clone());
                let y = matrix.product(m, cpu::elements(&x), held.finish());
                return cpu::wrapped(FlexTensor::from_data(TensorData::new(y, [m, n])));
            }
            PackedMatrix::Bf16(matrix) => {
                let (x, rows) = (cpu::contiguous(widened(x.clone())), matrix.values());
                let (set, sizes) = (InstructionSet::best(), Sizes { m, n, k });
                product(set, sizes, cpu::elements(&x), Rows::Bf16(&rows), None)
            }
        };
        narrowed(cpu::tensor(y, [m, n]), dtype)
    }
}

/// Where the weight of a layer stands when it is packed, and nowhere else. It is filled at most once, when a model
/// is loaded; clones of a layer share it.
#[derive(Debug, Clone, Default)]
pub struct PackedWeight(Arc<OnceLock<PackedMatrix>>);

impl PackedWeight {
    /// The matrix, if there is one.
    pub fn get(&self) -> Option<&PackedMatrix> {
        self.0.get()
    }

    /// The matrix, if there is one that is quantised.
    pub fn quantised(&self) -> Option<&QuantisedMatrix> {
        match self.get()? {
            PackedMatrix::Quantised(matrix) => Some(matrix),
            PackedMatrix::Bf16(_) => None,
        }
    }

    /// Puts a matrix there.
    ///
    /// # Panics
    /// If there is one already.
    pub fn set(&self, matrix: impl Into<PackedMatrix>) {
        let empty = self.0.set(matrix.into()).is_ok();
        assert!(empty, "a weight is packed once, when it is loaded");
    }

    /// `x W^T` and what becomes of it, if the weight is packed and `x` is on the processor and not recorded
    /// for gradients; those go through the dense weight.
    ///
    /// # Shapes
    /// - `x`: `[n, d_input]`
    /// - output: `[n, d_output]`
    pub fn product(&self, x: &Tensor<2>, epilogue: &Epilogue) -> Option<Tensor<2>> {
        let (matrix, dtype) = (self.get()?, x.dtype());
        if !multiplies_packed(&x.device()) {
            return None;
        }
        let (now, after) = match dtype == matrix.dtype() && epilogue.fits(dtype) {
            true => (epilogue.clone(), Epilogue::default()),
            false => (Epilogue::default(), epilogue.clone()),
        };
        Some(after.apply(matrix.product(x, now)))
    }

    /// As [`PackedWeight::product`] of several weights, made together, if they are quantised alike and all of their
    /// epilogues can be done at once.
    pub fn products<const N: usize>(
        weights: [&Self; N],
        x: &Tensor<2>,
        epilogues: &[Epilogue; N],
    ) -> Option<[Tensor<2>; N]> {
        let first = weights.first()?.quantised()?;
        let mut matrices = [first; N];
        for (matrix, weight) in matrices.iter_mut().zip(weights) {
            *matrix = weight.quantised()?;
            if matrix.kind() != first.kind() {
                return None;
            }
        }
        let fits = epilogues.iter().all(|epilogue| epilogue.fits(DType::F32));
        if x.dtype() != DType::F32 || !fits || !multiplies_packed(&x.device()) {
            return None;
        }
        let n = x.dims()[0];
        let x = cpu::contiguous(x.clone());
        let held = epilogues.each_ref().map(|epilogue| epilogue.clone().held());
        let finish = held.each_ref().map(Held::finish);
        let y = QuantisedMatrix::finished_products(matrices, cpu::elements(&x), finish);
        let mut shapes = matrices.iter().map(|matrix| [n, matrix.shape()[0]]);
        Some(y.map(|y| cpu::tensor(y, shapes.next().expect("one each"))))
    }

    /// Rows of the weight, if it is packed and a row lies whole in it.
    ///
    /// # Shapes
    /// - `indices`: `[n]`
    /// - output: `[n, d_input]`
    pub fn rows(&self, indices: &Tensor<1, Int>) -> Option<Tensor<2>> {
        let PackedMatrix::Bf16(matrix) = self.get()? else {
            return None;
        };
        let indices = indices.to_data().convert::<i64>();
        let indices = indices.as_slice::<i64>().expect("converted to i64");
        let rows: Vec<usize> = indices.iter().map(|&row| row as usize).collect();
        let shape = [rows.len(), matrix.shape()[1]];
        let data = TensorData::new(matrix.rows(&rows), shape);
        Some(cpu::wrapped(FlexTensor::from_data(data)))
    }

    /// The parameter of a weight that is packed: its dense numbers are made only if someone
    /// reads them.
    pub fn parameter<const D: usize>(
        &self,
        id: ParamId,
        device: &Device,
    ) -> Option<Param<Tensor<D>>> {
        let shape = self.get()?.shape();
        let matrix = self.clone();
        let values = move |device: &Device, _gradient: bool| {
            let matrix = matrix.get();
            let matrix = matrix.expect("filled before this parameter was made");
            matrix.dense(device)
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

/// The weights of a model that can be packed, by the ids of their parameters.
#[derive(Debug, Clone, Default)]
pub struct PackedWeights {
    linear: Vec<(ParamId, PackedWeight)>,
    tables: Vec<(ParamId, PackedWeight)>,
}

impl PackedWeights {
    pub(crate) fn add_linear(&mut self, id: ParamId) -> PackedWeight {
        let weight = PackedWeight::default();
        self.linear.push((id, weight.clone()));
        weight
    }

    pub(crate) fn add_table(&mut self, id: ParamId) -> PackedWeight {
        let weight = PackedWeight::default();
        self.tables.push((id, weight.clone()));
        weight
    }

    /// That of a linear layer with the parameter `id`.
    pub fn linear(&self, id: ParamId) -> Option<&PackedWeight> {
        find(&self.linear, id)
    }

    /// That of an embedding with the parameter `id`, for its products as an output head. Where it is quantised, it is a
    /// copy, and rows are looked up in the parameter.
    pub fn table(&self, id: ParamId) -> Option<&PackedWeight> {
        find(&self.tables, id)
    }
}

fn find(list: &[(ParamId, PackedWeight)], id: ParamId) -> Option<&PackedWeight> {
    list.iter()
        .find(|(known, _)| *known == id)
        .map(|(_, weight)| weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Embedding, Init, Linear, QuantKind, floats, indices};

    fn quantised(device: &Device) -> Linear {
        let mut init = Init::new(3, device);
        let mut layer = Linear::new(64, 7, true, &mut init);
        let weight: Vec<f32> = layer.weight.val().into_data().try_to_vec().expect("f32");
        let matrix = QuantisedMatrix::nearest(QuantKind::Q8_0, [7, 64], &weight).expect("fits");
        layer.packed.set(matrix);
        let parameter = layer.packed.parameter(layer.weight.id, device);
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
        let matrix = layer.packed.quantised().expect("it is").dequantise();
        for (i, found) in found.iter().enumerate() {
            let column: f32 = matrix.iter().skip(i % 64).step_by(64).sum();
            assert!((found - column).abs() < 1e-5, "{i}: {found} {column}");
        }
    }

    fn in_bf16(x: Tensor<2>) -> Tensor<2> {
        x.cast(DType::BF16)
    }

    /// A layer whose weight is in bf16, packed, and the weight.
    fn packed_in_bf16(shape: [usize; 2], init: &mut Init) -> (Linear, Tensor<2>) {
        let mut layer = Linear::new(shape[1], shape[0], true, init);
        let weight = in_bf16(layer.weight.val());
        let numbers = values(weight.clone().cast(DType::F32));
        layer.packed.set(Bf16Matrix::nearest(shape, &numbers));
        let parameter = layer.packed.parameter(layer.weight.id, init.device());
        layer.weight = parameter.expect("it is packed");
        (layer, weight)
    }

    #[test]
    fn a_layer_packed_in_bf16_gives_the_bits_of_its_rows_and_leaves_them_unmade() {
        let mut init = Init::new(3, &Device::flex());
        let (layer, weight) = packed_in_bf16([37, 91], &mut init);
        let mut in_rows = layer.clone();
        in_rows.weight = Param::from_tensor(weight.clone());
        in_rows.packed = PackedWeight::default();
        let stream = in_bf16(init.normal([23, 37], 1.0).val());
        for rows in [1, 2, 7, 23] {
            let wide: Tensor<2> = init.normal([rows, 91], 1.0).val();
            for x in [in_bf16(wide.clone()), wide] {
                let pairs = [&layer, &in_rows].map(|layer| {
                    let stream = stream.clone().narrow(0, 0, rows);
                    let sum = layer.added_to(stream.cast(x.dtype()), x.clone());
                    [layer.forward(x.clone()), sum].map(Tensor::into_data)
                });
                assert_eq!(pairs[0], pairs[1], "{rows} rows in {:?}", x.dtype());
            }
        }
        assert!(!layer.weight.is_initialized());
        // Who reads them gets the same numbers.
        assert_eq!(layer.weight.val().into_data(), weight.into_data());
    }

    #[test]
    fn a_table_packed_in_bf16_is_looked_up_and_scores_as_its_rows_do() {
        let mut init = Init::new(3, &Device::flex());
        let mut table = Embedding::new(101, 33, 1.0, &mut init);
        let rows = in_bf16(table.weight.val());
        let numbers = values(rows.clone().cast(DType::F32));
        let mut in_rows = table.clone();
        in_rows.weight = Param::from_tensor(rows);
        in_rows.packed = PackedWeight::default();
        table.packed.set(Bf16Matrix::nearest([101, 33], &numbers));
        let parameter = table.packed.parameter(table.weight.id, init.device());
        table.weight = parameter.expect("it is packed");
        let of = |table: &Embedding| {
            let x = table.forward(indices([100, 7, 0, 7], &Device::flex()));
            [x.clone().into_data(), table.logits(x).into_data()]
        };
        assert_eq!(of(&table), of(&in_rows));
        assert!(!table.weight.is_initialized());
    }

    #[test]
    fn gradients_of_the_input_go_through_the_dense_numbers_of_a_weight_in_bf16() {
        let device = Device::flex().autodiff();
        let (layer, weight) = packed_in_bf16([7, 64], &mut Init::new(3, &device));
        let x = floats::<2>(vec![0.5; 3 * 64], [3, 64], &device).require_grad();
        let gradients = layer.forward(x.clone()).sum().backward();
        let found = values(x.grad(&gradients).expect("a gradient"));
        let columns = values(weight.cast(DType::F32).sum_dim(0));
        for (i, found) in found.iter().enumerate() {
            assert!((found - columns[i % 64]).abs() < 1e-5, "{i}: {found}");
        }
    }
}
