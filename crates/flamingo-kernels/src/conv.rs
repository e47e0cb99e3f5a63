//! Convolution and pooling over pictures.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::module::{avg_pool2d, conv2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions};

use crate::Init;
use crate::linear::affine;

/// A 2-D convolution with square kernel and stride.
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[c_output, c_input / groups, k, k]`.
    pub weight: Param<Tensor<4>>,
    /// `[c_output]`, or none.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    stride: usize,
    #[module(skip)]
    padding: usize,
    #[module(skip)]
    groups: usize,
}

impl Conv2d {
    /// Normal weights with standard deviation `1 / sqrt(fan in)`, zero bias. A stride of 1 pads so
    /// that height and width stay; a larger one so that they are divided by it, rounding up (odd
    /// kernels), or not at all when kernel and stride are equal (patches).
    pub fn new(
        [c_input, c_output]: [usize; 2],
        [kernel, stride]: [usize; 2],
        groups: usize,
        bias: bool,
        init: &mut Init,
    ) -> Self {
        let fan_in = c_input / groups * kernel * kernel;
        let shape = [c_output, c_input / groups, kernel, kernel];
        let padding = if kernel == stride {
            0
        } else {
            (kernel - 1) / 2
        };
        Self {
            weight: init.normal(shape, 1.0 / (fan_in as f64).sqrt()),
            bias: bias.then(|| init.full([c_output], 0.0)),
            stride,
            padding,
            groups,
        }
    }

    /// # Shapes
    /// - `x`: `[B, c_input, h, w]`
    /// - output: `[B, c_output, h', w']`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.forward_with(x, self.weight.val())
    }

    /// As [`Conv2d::forward`], a row for each place.
    ///
    /// # Shapes
    /// - `x`: `[B, c_input, h, w]`
    /// - output: `[B, h' * w', c_output]`
    pub fn rows(&self, x: Tensor<4>) -> Tensor<3> {
        let weight = self.weight.val();
        if self.is_of_patches(weight.dims()[2]) {
            let y = patches(x, weight, self.bias.as_ref().map(Param::val));
            let [b, h, w, d] = y.dims();
            return y.reshape([b, h * w, d]);
        }
        let y = self.forward(x);
        let [b, d, h, w] = y.dims();
        y.reshape([b, d, h * w]).swap_dims(1, 2)
    }

    /// Whether its kernel stands beside itself.
    fn is_of_patches(&self, kernel: usize) -> bool {
        kernel == self.stride && kernel > 1 && self.padding == 0 && self.groups == 1
    }

    /// As [`Conv2d::forward`] with other weights of the same shape (standardised ones, say).
    pub fn forward_with(&self, x: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
        let bias = self.bias.as_ref().map(Param::val);
        let [_, _, kernel, _] = weight.dims();
        if self.is_of_patches(kernel) {
            return patches(x, weight, bias).permute([0, 3, 1, 2]);
        }
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        conv2d(
            x,
            weight,
            bias,
            ConvOptions::new(stride, padding, [1, 1], self.groups),
        )
    }
}

/// A convolution whose kernel stands beside itself: each patch is a row of a product.
///
/// # Shapes
/// - `x`: `[B, c_input, h, w]`
/// - `weight`: `[c_output, c_input, k, k]`
/// - output: `[B, h / k, w / k, c_output]`, rounded down
fn patches(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    let ([b, c, h, w], [c_output, _, k, _]) = (x.dims(), weight.dims());
    let (rows, columns) = (h / k, w / k);
    let whole = match [h, w] == [rows * k, columns * k] {
        true => x,
        false => x.narrow(2, 0, rows * k).narrow(3, 0, columns * k),
    };
    let patches = whole
        .reshape([b, c, rows, k, columns, k])
        .permute([0, 2, 4, 1, 3, 5]) // [B, rows, columns, c_input, k, k]
        .reshape([b * rows * columns, c * k * k]);
    let weight = weight.reshape([c_output, c * k * k]);
    affine(patches, weight, bias) // [B * rows * columns, c_output]
        .reshape([b, rows, columns, c_output])
}

/// A convolution whose output has the input's height and width divided by `stride`, rounded up:
/// zeros are put around the input, an odd one behind it ("SAME" padding).
///
/// # Shapes
/// - `x`: `[B, c_input, h, w]`
/// - `weight`: `[c_output, c_input / groups, k, k]`
/// - `bias`: `[c_output]`
/// - output: `[B, c_output, ceil(h / stride), ceil(w / stride)]`
pub fn conv2d_same(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    groups: usize,
) -> Tensor<4> {
    let ([_, _, h, w], [_, _, kernel, _]) = (x.dims(), weight.dims());
    let around = |size: usize| {
        let zeros = ((size.div_ceil(stride) - 1) * stride + kernel).saturating_sub(size);
        (zeros / 2, zeros - zeros / 2)
    };
    let padding = [around(h), around(w)];
    conv2d(
        x,
        weight,
        bias,
        ConvOptions::new_with_padding([stride; 2], padding, [1, 1], groups),
    )
}

/// Mean over windows of 2x2, stride 2; an odd last row or column is averaged over what is there.
///
/// # Shapes
/// - `x`: `[B, c, h, w]`
/// - output: `[B, c, ceil(h / 2), ceil(w / 2)]`
pub fn avg_pool2(x: Tensor<4>) -> Tensor<4> {
    let options = AvgPoolOptions::new([2, 2])
        .with_stride([2, 2])
        .with_padding([0, 0])
        .with_count_include_pad(false)
        .with_ceil_mode(true);
    avg_pool2d(x, options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differentiable::testing::{assert_close, backward, devices, gradient, leaf, values};
    use crate::{Device, floats};

    /// One row of pixels 1, 2, 3, ... under a kernel of ones that is 1 high in effect.
    fn sums(width: usize, kernel: usize, stride: usize) -> Vec<f32> {
        let device = Device::flex();
        let x = floats(
            (1..=width).map(|v| v as f32).collect(),
            [1, 1, 1, width],
            &device,
        );
        let weight = Tensor::ones([1, 1, kernel, kernel], &device);
        conv2d_same(x, weight, None, stride, 1)
            .into_data()
            .try_to_vec()
            .expect("f32")
    }

    #[test]
    fn same_padding_divides_by_the_stride_and_puts_the_odd_zero_behind() {
        assert_eq!(sums(5, 3, 1), [3.0, 6.0, 9.0, 12.0, 9.0]);
        assert_eq!(sums(5, 3, 2), [3.0, 9.0, 9.0]);
        assert_eq!(sums(6, 3, 2), [6.0, 12.0, 11.0]);
        assert_eq!(sums(4, 2, 2), [3.0, 7.0]);
    }

    #[test]
    fn pooling_averages_an_odd_last_column_over_what_is_there() {
        let x = floats(
            vec![1.0, 3.0, 5.0, 2.0, 4.0, 7.0],
            [1, 1, 2, 3],
            &Device::flex(),
        );
        let y: Vec<f32> = avg_pool2(x).into_data().try_to_vec().expect("f32");
        assert_eq!(y, [2.5, 6.0]);
    }

    #[test]
    fn patches_are_what_the_convolution_gives_and_so_are_their_gradients() {
        for device in devices() {
            for bias in [false, true] {
                let run = |plain: bool| {
                    let mut conv = Conv2d::new([3, 7], [5, 5], 1, bias, &mut Init::new(1, &device));
                    conv.bias = conv
                        .bias
                        .map(|_| Param::from_tensor(leaf([7], 4, true, &device)));
                    // One row and two columns of pixels too many.
                    let x: Tensor<4> = leaf([2, 3, 11, 17], 2, true, &device);
                    let (weight, bias) = (conv.weight.val(), conv.bias.as_ref().map(Param::val));
                    let options = ConvOptions::new([5; 2], [0; 2], [1; 2], 1);
                    let y = match plain {
                        true => conv2d(x.clone(), weight, bias, options),
                        false => conv.forward(x.clone()),
                    };
                    assert_eq!(y.dims(), [2, 7, 2, 3]);
                    let out = values(y.clone());
                    let gradients = backward(y);
                    let of_bias = |bias: &Param<Tensor<1>>| gradient(&bias.val(), &gradients);
                    [
                        out,
                        gradient(&x, &gradients),
                        gradient(&conv.weight.val(), &gradients),
                        conv.bias.as_ref().map_or(vec![], of_bias),
                    ]
                };
                assert_close(&run(false), &run(true), 1e-5);
            }
        }
    }
}
