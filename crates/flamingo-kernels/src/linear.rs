//! `y = x W^T + b`.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};

use crate::{Init, QuantisedWeight};

/// Elements of a half-precision weight that are widened at once on a processor.
const BLOCK: usize = 1 << 22;

/// `x W^T`.
///
/// The processor widens a half-precision weight to f32 for a product: it is taken in blocks of rows,
/// so that no second copy of it is ever in memory.
///
/// # Shapes
/// - `x`: `[n, d_input]`
/// - `weight`: `[d_output, d_input]`
/// - output: `[n, d_output]`
pub(crate) fn product(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let [d_output, d_input] = weight.dims();
    let rows = (BLOCK / d_input.max(1)).max(1);
    let on_processor = weight.device().inner() == Device::flex();
    if weight.dtype() == DType::F32 || rows >= d_output || !on_processor {
        return x.matmul(weight.transpose());
    }
    let block = |first: usize| {
        let block = weight.clone().narrow(0, first, rows.min(d_output - first));
        x.clone().matmul(block.transpose())
    };
    Tensor::cat((0..d_output).step_by(rows).map(block).collect(), 1)
}

/// A linear layer.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[d_output, d_input]`.
    pub weight: Param<Tensor<2>>,
    /// `[d_output]`, or none.
    pub bias: Option<Param<Tensor<1>>>,
    /// The weight in few bits, where it was loaded so; `weight` is then made of it if it is read.
    #[module(skip)]
    pub quantised: QuantisedWeight,
}

impl Linear {
    /// Normal weights with standard deviation `1 / sqrt(d_input)`, zero bias.
    pub fn new(d_input: usize, d_output: usize, bias: bool, init: &mut Init) -> Self {
        Self::scaled(d_input, d_output, bias, 1.0, init)
    }

    /// As [`Linear::new`], the standard deviation multiplied by `gain`.
    pub fn scaled(d_input: usize, d_output: usize, bias: bool, gain: f64, init: &mut Init) -> Self {
        let weight = init.normal([d_output, d_input], gain / (d_input as f64).sqrt());
        let quantised = init.quantisable(&weight);
        Self {
            weight,
            bias: bias.then(|| init.full([d_output], 0.0)),
            quantised,
        }
    }

    /// # Shapes
    /// - `x`: `[..., d_input]`
    /// - output: `[..., d_output]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let [d_output, d_input] = self.weight.lazy_shape().dims();
        let mut dims = x.dims();
        assert_eq!(
            dims[D - 1],
            d_input,
            "linear [{d_output}, {d_input}] given {dims:?}"
        );
        let rows = dims.iter().product::<usize>() / d_input;
        let x = x.reshape([rows, d_input]);
        let quantised = self.quantised.product(&x);
        let mut y = quantised.unwrap_or_else(|| product(x, self.weight.val())); // [rows, d_output]
        if let Some(bias) = &self.bias {
            y = y + bias.val().unsqueeze();
        }
        dims[D - 1] = d_output;
        y.reshape(dims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, floats};

    #[test]
    fn a_half_precision_weight_in_blocks_gives_what_it_gives_whole() {
        let mut init = Init::new(2, &Device::flex());
        let (x, weight) = (init.normal([3, 2049], 1.0), init.normal([4099, 2049], 0.02));
        let [x, weight] = [x.val(), weight.val()].map(|t: Tensor<2>| t.cast(DType::BF16));
        let whole = x.clone().matmul(weight.clone().transpose());
        const { assert!(4099 * 2049 > BLOCK) };
        assert_eq!(product(x, weight).into_data(), whole.into_data());
    }

    #[test]
    fn multiplies_by_the_transposed_weight_and_adds_the_bias() {
        let device = Device::flex();
        let mut layer = Linear::new(2, 3, true, &mut Init::new(0, &device));
        layer.weight = Param::from_tensor(floats(vec![1., 2., 3., 4., 5., 6.], [3, 2], &device));
        layer.bias = Some(Param::from_tensor(floats(vec![0.5, 0., -1.], [3], &device)));
        let y = layer.forward(floats(vec![1., 10., 0., 1.], [1, 2, 2], &device));
        let values = y.into_data().try_to_vec::<f32>().expect("f32");
        assert_eq!(values, [21.5, 43., 64., 2.5, 4., 5.]);
    }
}
