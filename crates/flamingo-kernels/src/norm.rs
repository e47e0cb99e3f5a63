//! Layer normalisation (Ba et al., 2016) and its root-mean-square form (Zhang and Sennrich, 2019).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::cpu::blocks::in_f32;
use crate::cpu::columns::column_sums;
use crate::cpu::norm::{Backward, Normalisation, gradients, normalise};
use crate::cpu::simd::InstructionSet;
use crate::cpu::{self, FlexTensor, Place};
use crate::differentiable::{Operation, apply};
use crate::{Init, widened};

/// Which normalisation a model uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormKind {
    /// Subtract the mean, divide by the standard deviation, scale and shift.
    LayerNorm,
    /// The same without the shift.
    LayerNormNoBias,
    /// Divide by the root mean square, scale.
    RmsNorm,
}

/// A normalisation over the last axis.
#[derive(Module, Debug)]
pub struct Norm {
    /// Scale, `[d]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[d]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    centred: bool,
    #[module(skip)]
    epsilon: f64,
}

impl Norm {
    /// Scale 1, shift 0.
    pub fn new(kind: NormKind, d: usize, epsilon: f64, init: &mut Init) -> Self {
        let bias = (kind == NormKind::LayerNorm).then(|| init.full([d], 0.0));
        Self {
            weight: init.full([d], 1.0),
            bias,
            centred: kind != NormKind::RmsNorm,
            epsilon,
        }
    }

    /// LayerNorm with bias and `epsilon` 1e-5, as most models have it.
    pub fn layer(d: usize, init: &mut Init) -> Self {
        Self::new(NormKind::LayerNorm, d, 1e-5, init)
    }

    /// # Shapes
    /// - `x` and output: `[..., d]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        // Squares and their sums leave the range of half-precision numbers.
        let dtype = x.dtype();
        let d = self.weight.shape()[0];
        assert_eq!(x.dims()[D - 1], d, "norm [{d}] given {:?}", x.dims());
        let weight = widened(self.weight.val());
        let bias = self.bias.as_ref().map(|bias| widened(bias.val()));
        let untracked = cpu::readable(&weight) && bias.as_ref().is_none_or(cpu::readable);
        if cpu::in_bf16(&x) && untracked {
            return self.in_bf16(x, weight, bias);
        }
        let x = widened(x);
        let on_processor =
            cpu::here(&x) && cpu::here(&weight) && bias.as_ref().is_none_or(cpu::here);
        let y = match on_processor {
            true => self.on_the_processor(x, weight, bias),
            false => self.plain(x, weight, bias),
        };
        if y.dtype() == dtype { y } else { y.cast(dtype) }
    }

    fn plain<const D: usize>(
        &self,
        x: Tensor<D>,
        weight: Tensor<1>,
        bias: Option<Tensor<1>>,
    ) -> Tensor<D> {
        if self.centred {
            burn::tensor::module::layer_norm(x, weight, bias, self.epsilon)
        } else {
            let mean_square = (x.clone() * x.clone()).mean_dim(D - 1);
            x * (mean_square + self.epsilon).sqrt().recip() * weight.unsqueeze()
        }
    }

    fn in_bf16<const D: usize>(
        &self,
        x: Tensor<D>,
        weight: Tensor<1>,
        bias: Option<Tensor<1>>,
    ) -> Tensor<D> {
        let (how, set) = (self.normalisation(), InstructionSet::best());
        let (weight, bias) = (cpu::contiguous(weight), bias.map(cpu::contiguous));
        let y = in_f32(cpu::primitive(x), how.d, |rows| {
            let (weight, bias) = (cpu::elements(&weight), bias.as_ref().map(cpu::elements));
            normalise(set, how, Place::within(rows), weight, bias);
        });
        cpu::wrapped(y)
    }

    fn normalisation(&self) -> Normalisation {
        Normalisation {
            d: self.weight.shape()[0],
            centred: self.centred,
            epsilon: self.epsilon as f32,
        }
    }

    fn on_the_processor<const D: usize>(
        &self,
        x: Tensor<D>,
        weight: Tensor<1>,
        bias: Option<Tensor<1>>,
    ) -> Tensor<D> {
        let operation = Normalise(self.normalisation());
        let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
        match bias {
            Some(bias) => apply(operation, [x, weight, bias.into_dispatch()]),
            None => apply(operation, [x, weight]),
        }
    }
}

/// Of `x` and the scale, or of `x`, the scale and the shift, all f32.
#[derive(Debug, Clone)]
struct Normalise(Normalisation);

impl<const N: usize> Operation<N> for Normalise {
    const CHEAP: bool = true;

    fn forward(&self, inputs: [FlexTensor; N]) -> FlexTensor {
        let mut inputs = inputs.into_iter();
        let x = inputs.next().expect("an input");
        let [weight, bias] = [0, 1].map(|_| inputs.next().map(cpu::plain_f32));
        cpu::transformed(x, |place| {
            normalise(
                InstructionSet::best(),
                self.0,
                place,
                weight.as_ref().map_or(&[], cpu::elements),
                bias.as_ref().map(cpu::elements),
            );
        })
    }

    fn kept(&self, wanted: [bool; N]) -> [bool; N] {
        let both = wanted[0] || wanted[1];
        std::array::from_fn(|input| match input {
            0 => both,
            1 => wanted[0],
            _ => false,
        })
    }

    fn backward(
        &self,
        inputs: [Option<FlexTensor>; N],
        gradient: FlexTensor,
        wanted: [bool; N],
    ) -> [Option<FlexTensor>; N] {
        let set = InstructionSet::best();
        let d = self.0.d;
        let vector = |values: Vec<f32>| cpu::primitive(cpu::tensor(values, [d]));
        let mut inputs = inputs.into_iter().map(|input| input.map(cpu::plain_f32));
        let (x, weight) = (inputs.next().flatten(), inputs.next().flatten());
        let Some(x) = x else {
            // Only the shift is trained.
            let gradient = cpu::plain_f32(gradient);
            let sums = column_sums(set, d, cpu::elements(&gradient), None);
            let mut sums = Some(vector(sums));
            return std::array::from_fn(|i| if i == 2 { sums.take() } else { None });
        };
        let mut of_parameters = None;
        let of_x = cpu::transformed(gradient, |place| {
            let ones = weight.is_none().then(|| vec![1.0; d]);
            let of = Backward {
                x: cpu::elements(&x),
                weight: match &weight {
                    Some(weight) => cpu::elements(weight),
                    None => ones.as_deref().unwrap_or(&[]),
                },
                place,
                of_parameters: wanted[1..].contains(&true),
            };
            of_parameters = gradients(set, self.0, &of);
        });
        let mut of = [Some(of_x), None, None];
        if let Some([scale, shift]) = of_parameters {
            of[1] = Some(vector(scale));
            of[2] = Some(vector(shift));
        }
        std::array::from_fn(|i| of[i].take().filter(|_| wanted[i]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differentiable::testing::{assert_close, backward, devices, gradient, leaf, values};
    use crate::{DType, Device, floats};

    fn forward(kind: NormKind, values: &[f32]) -> Vec<f32> {
        let device = Device::flex();
        let norm = Norm::new(kind, values.len(), 0.0, &mut Init::new(0, &device));
        let x = floats(values.to_vec(), [1, 1, values.len()], &device);
        norm.forward(x).into_data().try_to_vec().expect("f32")
    }

    #[test]
    fn layer_norm_has_mean_zero_and_variance_one() {
        assert_eq!(forward(NormKind::LayerNorm, &[1.0, 3.0]), [-1.0, 1.0]);
        assert_eq!(forward(NormKind::LayerNormNoBias, &[1.0, 3.0]), [-1.0, 1.0]);
    }

    #[test]
    fn rms_norm_does_not_subtract_the_mean() {
        let values = forward(NormKind::RmsNorm, &[1.0, 7.0]);
        assert!(
            (values[0] - 0.2).abs() < 1e-6 && (values[1] - 1.4).abs() < 1e-6,
            "{values:?}"
        );
    }

    const KINDS: [NormKind; 3] = [
        NormKind::LayerNorm,
        NormKind::LayerNormNoBias,
        NormKind::RmsNorm,
    ];

    /// A normalisation with scale and shift of its own, on `device`.
    fn norm(kind: NormKind, d: usize, trained: bool, device: &Device) -> Norm {
        let mut norm = Norm::new(kind, d, 1e-5, &mut Init::new(0, device));
        norm.weight = Param::from_tensor(leaf([d], 11, trained, device));
        norm.bias = norm
            .bias
            .map(|_| Param::from_tensor(leaf([d], 12, trained, device)));
        if !trained {
            norm = norm.no_grad();
        }
        norm
    }

    fn with(norm: &Norm, x: Tensor<3>, plain: bool) -> Tensor<3> {
        let (weight, bias) = (norm.weight.val(), norm.bias.as_ref().map(Param::val));
        match plain {
            true => norm.plain(x, weight, bias),
            false => norm.on_the_processor(x, weight, bias),
        }
    }

    /// Sizes below, at and beyond whole vectors, and so many rows that threads share them.
    const SHAPES: [[usize; 3]; 5] = [[1, 1, 3], [2, 5, 7], [3, 7, 61], [2, 3, 769], [3, 89, 97]];

    #[test]
    fn the_kernel_and_its_gradients_give_what_plain_operations_give() {
        for device in devices() {
            for (kind, shape) in KINDS.into_iter().flat_map(|k| SHAPES.map(|s| (k, s))) {
                for trained in [[true, true], [true, false], [false, true]] {
                    let run = |plain: bool| {
                        let norm = norm(kind, shape[2], trained[1], &device);
                        let x = leaf(shape, 5, trained[0], &device);
                        let y = with(&norm, x.clone(), plain);
                        let out = values(y.clone());
                        let gradients = backward(y);
                        let bias = norm.bias.as_ref();
                        [
                            out,
                            gradient(&x, &gradients),
                            gradient(&norm.weight.val(), &gradients),
                            bias.map_or(vec![], |bias| gradient(&bias.val(), &gradients)),
                        ]
                    };
                    let ours = run(false);
                    assert_close(&ours, &run(true), 5e-6);
                    assert_eq!(ours[1].is_empty(), !trained[0]);
                    assert_eq!(ours[2].is_empty(), !trained[1]);
                }
            }
        }
    }

    #[test]
    fn a_mean_far_from_zero_costs_no_more_than_it_costs_plain_operations() {
        let d = 769;
        let x: Tensor<3> = leaf([1, 3, d], 1, false, &Device::flex()) + 300.0;
        let norm = norm(NormKind::LayerNormNoBias, d, false, &Device::flex());
        let weight: Vec<f64> = values(norm.weight.val())
            .into_iter()
            .map(f64::from)
            .collect();
        let exact: Vec<f64> = values(x.clone())
            .chunks(d)
            .flat_map(|row| {
                let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / d as f64;
                let squares = row.iter().map(|&x| (f64::from(x) - mean).powi(2));
                let deviation = (squares.sum::<f64>() / d as f64 + 1e-5).sqrt();
                let one = |(&x, w): (&f32, &f64)| (f64::from(x) - mean) / deviation * w;
                row.iter().zip(&weight).map(one).collect::<Vec<_>>()
            })
            .collect();
        let [ours, plain] = [false, true].map(|plain| {
            let y = values(with(&norm, x.clone(), plain));
            let far = y.iter().zip(&exact).map(|(&y, e)| (f64::from(y) - e).abs());
            far.fold(0.0, f64::max)
        });
        assert!(ours < 1e-4 && ours < 2.0 * plain, "{ours} {plain}");
    }

    #[test]
    fn a_row_gives_the_same_bits_alone_and_among_others_with_any_number_of_threads() {
        let device = Device::flex();
        let norm = norm(NormKind::LayerNorm, 97, false, &device);
        let x: Tensor<3> = leaf([1, 499, 97], 3, false, &device);
        let all = norm.forward(x.clone());
        for row in [0, 7, 498] {
            let alone = norm.forward(x.clone().narrow(1, row, 1));
            assert_eq!(all.clone().narrow(1, row, 1).into_data(), alone.into_data());
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
        let again = pool.expect("threads").install(|| norm.forward(x));
        assert_eq!(all.into_data(), again.into_data());
    }

    #[test]
    fn gradients_have_the_same_bits_with_any_number_of_threads() {
        let device = Device::flex().autodiff();
        let run = || {
            let norm = norm(NormKind::LayerNorm, 97, true, &device);
            let x: Tensor<3> = leaf([2, 499, 97], 3, true, &device);
            let gradients = backward(norm.forward(x.clone()));
            let weight = norm.weight.val();
            [gradient(&x, &gradients), gradient(&weight, &gradients)]
        };
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            assert_eq!(pool.expect("threads").install(run), run());
        }
    }

    #[test]
    fn half_precision_goes_in_and_comes_out() {
        for (dtype, kind) in [DType::F16, DType::BF16]
            .into_iter()
            .flat_map(|d| KINDS.map(|k| (d, k)))
        {
            for device in [Device::flex(), Device::flex().autodiff()] {
                let norm = norm(kind, 23, false, &device);
                let x: Tensor<2> = leaf([3, 23], 1, false, &device).cast(dtype);
                let y = norm.forward(x.clone());
                assert_eq!(y.dtype(), dtype);
                let expected = norm.forward(x.cast(DType::F32));
                assert_close(&[values(y.cast(DType::F32))], &[values(expected)], 1e-2);
            }
        }
    }
}
