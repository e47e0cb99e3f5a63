//! The activations of the models.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::cpu::activation::Function;
use crate::cpu::blocks::{both_in_f32, in_f32};
use crate::cpu::columns::column_sums;
use crate::cpu::simd::InstructionSet;
use crate::cpu::{self, FlexTensor, Place};
use crate::differentiable::{Operation, apply};
use crate::{narrowed, widened};

/// An element-wise function between two linear layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `x Phi(x)`, exact.
    Gelu,
    /// GELU by its tanh approximation (GPT-2).
    GeluTanh,
    /// `x sigmoid(1.702 x)` (OpenAI's CLIP).
    QuickGelu,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `max(x, 0)^2` (So et al., 2021; Flamingo's resampler and gated layers).
    SquaredRelu,
    /// `x sigmoid(x)`.
    Silu,
}

impl Activation {
    /// Applies the function to every element.
    pub fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        if !cpu::here(&x) {
            return self.plain(x);
        }
        if cpu::in_bf16(&x) {
            let set = InstructionSet::best();
            let y = in_f32(cpu::primitive(x), 1, |numbers| {
                cpu::activation::apply(set, self.into(), Place::within(numbers));
            });
            return cpu::wrapped(y);
        }
        let dtype = x.dtype();
        narrowed(apply(self, [widened(x).into_dispatch()]), dtype)
    }

    fn plain<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Activation::Gelu => activation::gelu(x),
            Activation::GeluTanh => activation::gelu_approximate(x),
            Activation::QuickGelu => activation::sigmoid(x.clone() * 1.702) * x,
            Activation::Relu => activation::relu(x),
            Activation::Relu6 => activation::relu(x).clamp_max(6.0),
            Activation::SquaredRelu => {
                let positive = activation::relu(x);
                positive.clone() * positive
            }
            Activation::Silu => activation::silu(x),
        }
    }
}

impl From<Activation> for Function {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Gelu => Function::Gelu,
            Activation::GeluTanh => Function::GeluTanh,
            Activation::QuickGelu => Function::QuickGelu,
            Activation::Relu => Function::Relu,
            Activation::Relu6 => Function::Relu6,
            Activation::SquaredRelu => Function::SquaredRelu,
            Activation::Silu => Function::Silu,
        }
    }
}

impl Operation<1> for Activation {
    const CHEAP: bool = true;

    fn forward(&self, [x]: [FlexTensor; 1]) -> FlexTensor {
        cpu::transformed(x, |place| {
            cpu::activation::apply(InstructionSet::best(), (*self).into(), place);
        })
    }

    fn kept(&self, wanted: [bool; 1]) -> [bool; 1] {
        wanted
    }

    fn backward(
        &self,
        [x]: [Option<FlexTensor>; 1],
        gradient: FlexTensor,
        _: [bool; 1],
    ) -> [Option<FlexTensor>; 1] {
        let of = |x: FlexTensor| {
            let x = cpu::plain_f32(x);
            cpu::transformed(gradient, |place| {
                let set = InstructionSet::best();
                cpu::activation::gradient(set, (*self).into(), cpu::elements(&x), place);
            })
        };
        [x.map(of)]
    }
}

/// `x + y gate`: what a gate lets through of `y` is added to `x`, whose type the result has.
///
/// # Shapes
/// - `x`, `y` and output: `[..., d]`
/// - `gate`: `[1]`, or `[d]`
///
/// # Panics
/// If the shapes are others.
pub fn add_gated<const D: usize>(x: Tensor<D>, y: Tensor<D>, gate: Tensor<1>) -> Tensor<D> {
    let [width] = gate.dims();
    assert_eq!(x.dims(), y.dims(), "shapes of a gated sum");
    assert!(
        width == 1 || width == y.dims()[D - 1],
        "a gate [{width}] for {:?}",
        y.dims()
    );
    let dtype = x.dtype();
    let gate = widened(gate);
    if cpu::in_bf16(&x) && cpu::in_bf16(&y) && cpu::readable(&gate) {
        let (set, gate) = (InstructionSet::best(), cpu::contiguous(gate));
        let d = y.dims()[D - 1];
        let sum = both_in_f32(cpu::primitive(x), cpu::primitive(y), d, |x, y| {
            let place = Place::within(x);
            let (from, y, gate) = (place.from, cpu::Source::of(y), cpu::elements(&gate));
            // SAFETY: `x` and `y` have the same length.
            unsafe { cpu::activation::add_gated(set, Some(from), y, gate, place) }
        });
        return cpu::wrapped(sum);
    }
    let (x, y) = (widened(x), widened(y));
    let sum = match cpu::here(&x) && cpu::here(&y) && cpu::here(&gate) {
        true => {
            let inputs = [x.into_dispatch(), y.into_dispatch(), gate.into_dispatch()];
            apply(AddGated { width }, inputs)
        }
        false => x + y * gate.unsqueeze(),
    };
    narrowed(sum, dtype)
}

/// `x + y`, on all threads where the framework has one.
///
/// # Shapes
/// - `x`, `y` and output: the same
pub fn add<const D: usize>(x: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
    if !(cpu::in_bf16(&x) && cpu::in_bf16(&y) && x.dims() == y.dims()) {
        return x + y;
    }
    let sum = both_in_f32(cpu::primitive(x), cpu::primitive(y), 1, |x, y| {
        for (x, y) in x.iter_mut().zip(y) {
            *x += y;
        }
    });
    cpu::wrapped(sum)
}

/// Of `x`, `y` and the gate.
#[derive(Debug, Clone)]
struct AddGated {
    /// Length of the gate.
    width: usize,
}

impl Operation<3> for AddGated {
    const CHEAP: bool = true;

    fn forward(&self, [x, y, gate]: [FlexTensor; 3]) -> FlexTensor {
        let gate = cpu::plain_f32(gate);
        let (x, y) = (cpu::plain_f32(x), cpu::plain_f32(y));
        let set = InstructionSet::best();
        // In the memory of the one that no one else holds, if there is one.
        let sum = |place: cpu::Place, x: cpu::Source, y: cpu::Source| {
            // SAFETY: `x` and `y` have the same shape, and the place is of one of them.
            unsafe { cpu::activation::add_gated(set, Some(x), y, cpu::elements(&gate), place) }
        };
        match x.is_unique() {
            true => cpu::transformed(x, |place| {
                sum(place, place.from, cpu::Source::of(cpu::elements(&y)));
            }),
            false => cpu::transformed(y, |place| {
                sum(place, cpu::Source::of(cpu::elements(&x)), place.from);
            }),
        }
    }

    fn kept(&self, wanted: [bool; 3]) -> [bool; 3] {
        [false, wanted[2], wanted[1]]
    }

    fn backward(
        &self,
        [_, y, gate]: [Option<FlexTensor>; 3],
        gradient: FlexTensor,
        [of_x, ..]: [bool; 3],
    ) -> [Option<FlexTensor>; 3] {
        let set = InstructionSet::best();
        let gradient = cpu::plain_f32(gradient);
        let of_gate = y.map(|y| {
            let y = cpu::plain_f32(y);
            let d = *y.layout().shape().last().unwrap_or(&1);
            let sums = column_sums(set, d, cpu::elements(&gradient), Some(cpu::elements(&y)));
            let sums = match self.width {
                1 => vec![sums.iter().map(|&sum| f64::from(sum)).sum::<f64>() as f32],
                _ => sums,
            };
            cpu::primitive(cpu::tensor(sums, [self.width]))
        });
        let through = of_x.then(|| gradient.clone());
        let of_y = gate.map(|gate| {
            let gate = cpu::plain_f32(gate);
            cpu::transformed(gradient, |place| {
                let (from, gate) = (place.from, cpu::elements(&gate));
                // SAFETY: `from` is the place's own.
                unsafe { cpu::activation::add_gated(set, None, from, gate, place) }
            })
        });
        [through, of_y, of_gate]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differentiable::testing::{assert_close, backward, devices, gradient, leaf, values};
    use crate::{DType, Device, floats};

    #[test]
    fn values_at_one_and_minus_one_are_those_of_the_definitions() {
        let expected = [
            (Activation::Gelu, 0.841_344_7, -0.158_655_3),
            (Activation::GeluTanh, 0.841_192, -0.158_808),
            (Activation::QuickGelu, 0.845_795_8, -0.154_204_2),
            (Activation::Relu, 1.0, 0.0),
            (Activation::Relu6, 1.0, 0.0),
            (Activation::SquaredRelu, 1.0, 0.0),
            (Activation::Silu, 0.731_058_6, -0.268_941_4),
        ];
        for (activation, at_one, at_minus_one) in expected {
            let x = floats(vec![1.0, -1.0], [2], &Device::flex());
            let y = activation
                .apply(x)
                .into_data()
                .try_to_vec::<f32>()
                .expect("f32");
            assert!((y[0] - at_one).abs() < 1e-5, "{activation:?} {y:?}");
            assert!((y[1] - at_minus_one).abs() < 1e-5, "{activation:?} {y:?}");
        }
    }

    const ALL: [Activation; 7] = [
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::QuickGelu,
        Activation::Relu,
        Activation::Relu6,
        Activation::SquaredRelu,
        Activation::Silu,
    ];

    /// The error function in f64: its series about 0, and the continued fraction of what is left to 1.
    fn erf(x: f64) -> f64 {
        if x < 0.0 {
            return -erf(-x);
        }
        let scale = 2.0 / std::f64::consts::PI.sqrt();
        if x < 3.0 {
            let (mut term, mut sum) = (x, x);
            for n in 1..120 {
                term *= -x * x / f64::from(n);
                sum += term / f64::from(2 * n + 1);
            }
            return sum * scale;
        }
        let fraction = (1..200)
            .rev()
            .fold(x, |below, n| x + f64::from(n) / 2.0 / below);
        1.0 - (-x * x).exp() / fraction * scale / 2.0
    }

    fn exact(activation: Activation, x: f64) -> f64 {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        match activation {
            Activation::Gelu => 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2)),
            Activation::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                0.5 * x * (1.0 + inner.tanh())
            }
            Activation::QuickGelu => x * sigmoid(1.702 * x),
            Activation::Relu => x.max(0.0),
            Activation::Relu6 => x.clamp(0.0, 6.0),
            Activation::SquaredRelu => x.max(0.0).powi(2),
            Activation::Silu => x * sigmoid(x),
        }
    }

    #[test]
    fn values_are_exact_to_a_few_units_with_every_instruction_set() {
        assert!((erf(1.0) - 0.842_700_792_949_714_9).abs() < 1e-15);
        assert!((erf(3.5) - 0.999_999_256_901_627_7).abs() < 1e-15);
        let x: Vec<f32> = (-12_000..12_001).map(|i| i as f32 / 1000.0).collect();
        for (set, activation) in InstructionSet::available()
            .into_iter()
            .flat_map(|s| ALL.map(|a| (s, a)))
        {
            let tensor = cpu::primitive(floats(x.clone(), [x.len()], &Device::flex()));
            let y = cpu::transformed(tensor, |place| {
                cpu::activation::apply(set, activation.into(), place);
            });
            for (&x, &y) in x.iter().zip(cpu::elements::<f32>(&y)) {
                let expected = exact(activation, f64::from(x));
                let far = (f64::from(y) - expected).abs();
                let allowed = 1e-7 + 3e-7 * expected.abs();
                assert!(
                    far < allowed,
                    "{set:?} {activation:?} of {x}: {y}, {expected}"
                );
            }
        }
    }

    #[test]
    fn shares_of_the_normal_distribution_are_exact_to_a_few_roundings() {
        let x: Vec<f32> = (1..60_000).map(|i| i as f32 / 10_000.0).collect();
        let y = Activation::Gelu.apply(floats(x.clone(), [x.len()], &Device::flex()));
        let negative = floats(x.iter().map(|x| -x).collect(), [x.len()], &Device::flex());
        let z = Activation::Gelu.apply(negative);
        for ((&x, y), z) in x.iter().zip(values(y)).zip(values(z)) {
            let share = |x: f64, y: f32| f64::from(y) / x;
            let expected = |x: f64| 0.5 * (1.0 + erf(x / std::f64::consts::SQRT_2));
            let x = f64::from(x);
            assert!((share(x, y) - expected(x)).abs() < 1.5e-7, "{x}");
            assert!((share(-x, z) - expected(-x)).abs() < 1.5e-7, "{x}");
        }
    }

    #[test]
    fn what_is_no_number_stays_none_and_extremes_stay_finite() {
        for activation in ALL {
            let x = vec![f32::NAN, 1e30, -1e30, 0.0];
            let x = floats(x, [4], &Device::flex().autodiff()).require_grad();
            let y = activation.apply(x.clone());
            let out = values(y.clone());
            let most = if activation == Activation::Relu6 {
                6.0
            } else {
                1e30
            };
            assert!(out[0].is_nan() && out[1] >= most, "{activation:?} {out:?}");
            assert_eq!(out[2..], [0.0, 0.0], "{activation:?}");
            let slopes = gradient(&x, &y.sum().backward());
            let finite = slopes[2..].iter().all(|slope| slope.is_finite());
            assert!(finite && slopes[2] == 0.0, "{activation:?} {slopes:?}");
        }
    }

    #[test]
    fn the_kernel_and_its_gradients_give_what_plain_operations_give() {
        for device in devices() {
            for (activation, shape) in ALL
                .into_iter()
                .flat_map(|a| [[1, 3], [7, 37], [149, 251]].map(|s| (a, s)))
            {
                let run = |plain: bool| {
                    let x = leaf(shape, 3, true, &device);
                    let wider = x.clone() * 3.0;
                    let y = match plain {
                        true => activation.plain(wider),
                        false => activation.apply(wider),
                    };
                    let out = values(y.clone());
                    [out, gradient(&x, &backward(y))]
                };
                assert_close(&run(false), &run(true), 3e-6);
            }
        }
    }

    #[test]
    fn half_precision_goes_in_and_comes_out() {
        for (dtype, activation) in [DType::F16, DType::BF16]
            .into_iter()
            .flat_map(|d| ALL.map(|a| (d, a)))
        {
            for device in [Device::flex(), Device::flex().autodiff()] {
                let x: Tensor<2> = leaf([3, 23], 1, false, &device).cast(dtype);
                let y = activation.apply(x.clone());
                assert_eq!(y.dtype(), dtype);
                let expected = activation.apply(x.cast(DType::F32));
                assert_close(&[values(y.cast(DType::F32))], &[values(expected)], 1e-2);
            }
        }
    }

    #[test]
    fn a_tensor_that_someone_else_holds_is_left_as_it_is() {
        let x: Tensor<2> = leaf([3, 5], 1, false, &Device::flex());
        let before = values(x.clone());
        let y = Activation::Relu.apply(x.clone());
        let z = add_gated(
            x.clone(),
            y.clone(),
            floats(vec![2.0], [1], &Device::flex()),
        );
        assert_eq!(values(x.clone()), before);
        let expected: Vec<f32> = before.iter().map(|&x| x + 2.0 * x.max(0.0)).collect();
        assert_eq!(values(z), expected);
        assert_eq!(values(y), values(Activation::Relu.plain(x)));
    }

    #[test]
    fn a_gated_sum_and_its_gradients_are_those_of_plain_operations() {
        for device in devices() {
            for (shape, width) in [
                ([1, 2, 3], 1),
                ([2, 5, 7], 1),
                ([2, 5, 37], 37),
                ([3, 89, 97], 97),
                ([3, 89, 97], 1),
            ] {
                for trained in [[true; 3], [true, false, true], [false, true, false]] {
                    let run = |plain: bool| {
                        let x = leaf(shape, 1, trained[0], &device);
                        let y = leaf(shape, 2, trained[1], &device);
                        let gate: Tensor<1> = leaf([width], 3, trained[2], &device);
                        let factor = gate.clone().tanh();
                        let sum = match plain {
                            true => x.clone() + y.clone() * factor.unsqueeze(),
                            false => add_gated(x.clone(), y.clone(), factor),
                        };
                        let out = values(sum.clone());
                        let gradients = backward(sum);
                        [
                            out,
                            gradient(&x, &gradients),
                            gradient(&y, &gradients),
                            gradient(&gate, &gradients),
                        ]
                    };
                    let ours = run(false);
                    assert_close(&ours, &run(true), 5e-6);
                    let empty = [1, 2, 3].map(|i| ours[i].is_empty());
                    assert_eq!(empty, trained.map(|trained| !trained));
                }
            }
        }
    }

    #[test]
    fn sums_of_bf16_are_those_of_the_framework() {
        let [x, y] = [1, 2].map(|seed| leaf([149, 251], seed, false, &Device::flex()));
        let [x, y] = [x, y].map(|x: Tensor<2>| x.cast(DType::BF16));
        let expected = x.clone() + y.clone();
        assert_eq!(add(x.clone(), y).into_data(), expected.into_data());
        // One row for all is the framework's.
        let row = x.clone().narrow(0, 3, 1);
        assert_eq!(add(x, row).dims(), [149, 251]);
    }

    #[test]
    fn a_gated_sum_has_the_type_of_what_is_added_to() {
        let device = Device::flex();
        for dtype in [DType::F16, DType::BF16] {
            let [x, y] = [1, 2].map(|seed| leaf([2, 3], seed, false, &device));
            let gate = floats(vec![0.5], [1], &device);
            let sum = add_gated(x.clone().cast(dtype), y.clone(), gate);
            assert_eq!(sum.dtype(), dtype);
            assert_close(
                &[values(sum.cast(DType::F32))],
                &[values(x + y * 0.5)],
                2e-2,
            );
        }
    }
}
