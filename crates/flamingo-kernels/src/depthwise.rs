//! Convolutions of each channel by itself.

use burn::tensor::Tensor;

use crate::cpu::depthwise::{Sizes, depthwise};
use crate::cpu::simd::InstructionSet;
use crate::{conv2d_same, cpu, widened};

/// A convolution of each channel by itself, whose output has the input's height and width divided by
/// `stride`, rounded up: zeros are put around the input, an odd one behind it ("SAME" padding). The output
/// is kept within two bounds, which may be infinite.
///
/// # Shapes
/// - `x`: `[B, h, w, c]`
/// - `weight`: `[c, 1, k, k]`
/// - `bias`: `[c]`
/// - output: `[B, ceil(h / stride), ceil(w / stride), c]`
///
/// # Panics
/// If the shapes are others.
pub fn depthwise_same(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
    within: [f32; 2],
) -> Tensor<4> {
    let ([pictures, height, width, channels], [c, one, kernel, _]) = (x.dims(), weight.dims());
    assert_eq!([c, one], [channels, 1], "a kernel for each channel");
    if !(cpu::readable(&x) && cpu::readable(&weight) && cpu::readable(&bias)) {
        return plain(x, weight, bias, stride, within);
    }
    let dtype = x.dtype();
    let sizes = Sizes {
        pictures,
        height,
        width,
        channels,
        kernel,
        stride,
    };
    let weight = weight.reshape([channels, kernel * kernel]).swap_dims(0, 1); // [k * k, c]
    let x = cpu::contiguous(widened(x));
    let weight = cpu::contiguous(widened(weight));
    let bias = cpu::contiguous(widened(bias));
    let operands = [&x, &weight, &bias].map(cpu::elements);
    let out = depthwise(InstructionSet::best(), sizes, operands, within);
    let [rows, columns] = sizes.output();
    cpu::tensor(out, [pictures, rows, columns, channels]).cast(dtype)
}

/// The same by tensor operations.
fn plain(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
    [low, high]: [f32; 2],
) -> Tensor<4> {
    let channels = weight.dims()[0];
    let x = x.permute([0, 3, 1, 2]); // [B, c, h, w]
    let y = conv2d_same(x, weight, Some(bias), stride, channels).permute([0, 2, 3, 1]);
    let y = match low.is_finite() {
        true => y.clamp_min(low),
        false => y,
    };
    match high.is_finite() {
        true => y.clamp_max(high),
        false => y,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, Init};

    const UNBOUNDED: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

    fn values(x: Tensor<4>) -> Vec<f32> {
        x.into_data().try_to_vec().expect("f32")
    }

    #[test]
    fn it_is_the_convolution_for_every_size_stride_and_number_of_channels() {
        let mut init = Init::new(1, &Device::flex());
        for (height, width, channels) in [(7, 11, 5), (13, 9, 16), (1, 1, 19), (12, 23, 37)] {
            for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2)] {
                let x = init.normal([2, height, width, channels], 1.0).val();
                let weight = init.normal([channels, 1, kernel, kernel], 1.0).val();
                let bias = init.normal([channels], 1.0).val();
                for within in [UNBOUNDED, [0.0, 1.5]] {
                    let ours =
                        depthwise_same(x.clone(), weight.clone(), bias.clone(), stride, within);
                    let theirs = plain(x.clone(), weight.clone(), bias.clone(), stride, within);
                    assert_eq!(ours.dims(), theirs.dims());
                    for (a, b) in values(ours).iter().zip(values(theirs)) {
                        let sizes = [height, width, channels, kernel, stride];
                        assert!((a - b).abs() < 1e-4, "{sizes:?}: {a} {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_nearly_the_same() {
        let sizes = Sizes {
            pictures: 3,
            height: 9,
            width: 17,
            channels: 21,
            kernel: 3,
            stride: 1,
        };
        let numbers = |n: usize| -> Vec<f32> { (0..n).map(|i| (i as f32).sin()).collect() };
        let (x, weight, bias) = (numbers(3 * 9 * 17 * 21), numbers(9 * 21), numbers(21));
        let run = |set| depthwise(set, sizes, [&x, &weight, &bias], UNBOUNDED);
        let expected = run(InstructionSet::Portable);
        for set in InstructionSet::available() {
            for (a, b) in run(set).iter().zip(&expected) {
                assert!((a - b).abs() < 1e-5, "{set}: {a} {b}");
            }
        }
    }
}
