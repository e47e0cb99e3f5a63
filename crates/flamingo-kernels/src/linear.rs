//! `y = x W^T + b`.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::autocast;
use crate::cpu::columns::column_sums;
use crate::cpu::finish::Finish;
use crate::cpu::mixed::{Lying, Numbers, product_mixed};
use crate::cpu::panels::{Weights, product_bf16};
use crate::cpu::product::{Rows, Sizes, product};
use crate::cpu::simd::InstructionSet;
use crate::cpu::{self, FlexTensor};
use crate::differentiable::{Operation, apply};
use crate::{Activation, Epilogue, Init, Lora, LoraConfig, PackedWeight, narrowed, widened};

/// Elements of a half-precision weight that are widened at once where the framework multiplies.
const BLOCK: usize = 1 << 22;

/// `x W^T + bias`, in the type of `x`.
///
/// # Shapes
/// - `x`: `[n, d_input]`
/// - `weight`: `[d_output, d_input]`, of any floating-point type
/// - `bias`: `[d_output]`
/// - output: `[n, d_output]`
pub fn affine(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let on_processor = cpu::here(&x) && cpu::here(&weight) && bias.as_ref().is_none_or(cpu::here);
    if !on_processor {
        return plain(x, weight, bias);
    }
    let operation = Affine {
        types: [x.dtype(), weight.dtype()],
        is_mixed: autocast::in_bf16(),
    };
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    match bias {
        Some(bias) => apply(operation, [x, weight, widened(bias).into_dispatch()]),
        None => apply(operation, [x, weight]),
    }
}

/// `x W^T` and what becomes of it, by the packed weight where there is one.
///
/// # Shapes
/// - `x`: `[n, d_input]`
/// - `weight`: `[d_output, d_input]`
/// - output: `[n, d_output]`
pub fn linear(
    x: Tensor<2>,
    weight: &Param<Tensor<2>>,
    packed: &PackedWeight,
    epilogue: Epilogue,
) -> Tensor<2> {
    if let Some(y) = packed.product(&x, &epilogue) {
        return y;
    }
    let weight = weight.val();
    if cpu::in_bf16(&x) && cpu::in_bf16(&weight) && epilogue.fits(DType::BF16) {
        return in_bf16(x, weight, epilogue);
    }
    let Epilogue {
        bias,
        activation,
        stream,
    } = epilogue;
    let y = affine(x, weight, bias);
    let rest = Epilogue {
        bias: None,
        activation,
        stream,
    };
    rest.apply(y)
}

fn in_bf16(x: Tensor<2>, weight: Tensor<2>, epilogue: Epilogue) -> Tensor<2> {
    let ([m, k], [n, _]) = (x.dims(), weight.dims());
    let (x, weight, held) = (cpu::contiguous(x), cpu::contiguous(weight), epilogue.held());
    let out = product_bf16(
        InstructionSet::best(),
        Sizes { m, n, k },
        cpu::elements(&x),
        Weights::Rows(cpu::elements(&weight)),
        held.finish(),
    );
    cpu::wrapped(FlexTensor::from_data(TensorData::new(out, [m, n])))
}

/// Of `x` and the weight, or of `x`, the weight and the bias.
#[derive(Debug, Clone)]
struct Affine {
    /// Of `x` and the weight.
    types: [DType; 2],
    /// Whether factors are rounded to bf16.
    is_mixed: bool,
}

impl Affine {
    /// The product of a gradient and the weight, `[n, d_input]`.
    fn of_x(&self, gradient: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
        if !self.is_mixed {
            return gradient.matmul(widened(weight));
        }
        let ([m, k], [_, n]) = (gradient.dims(), weight.dims());
        let (gradient, weight) = (cpu::contiguous(gradient), cpu::contiguous(weight));
        let weight = factor(&weight);
        let rows = (cpu::elements(&gradient), Lying::Whole);
        mixed(Sizes { m, n, k }, rows, (weight, Lying::Across), None)
    }

    /// The product of a gradient and `x`, `[d_output, d_input]`.
    fn of_weight(&self, gradient: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        if !self.is_mixed {
            return gradient.transpose().matmul(x);
        }
        let ([k, m], [_, n]) = (gradient.dims(), x.dims());
        let (gradient, x) = (cpu::contiguous(gradient), cpu::contiguous(x));
        let rows = (cpu::elements(&gradient), Lying::Across);
        let columns = (Numbers::F32(cpu::elements(&x)), Lying::Across);
        mixed(Sizes { m, n, k }, rows, columns, None)
    }
}

/// The numbers of a weight that is no f16.
fn factor(weight: &FlexTensor) -> Numbers<'_> {
    match weight.dtype() {
        DType::BF16 => Numbers::Bf16(cpu::elements(weight)),
        _ => Numbers::F32(cpu::elements(weight)),
    }
}

fn mixed(
    sizes: Sizes,
    rows: (&[f32], Lying),
    columns: (Numbers<'_>, Lying),
    bias: Option<&[f32]>,
) -> Tensor<2> {
    let finish = Finish {
        bias,
        ..Finish::default()
    };
    let out = product_mixed(InstructionSet::best(), sizes, rows, columns, finish);
    cpu::tensor(out, [sizes.m, sizes.n])
}

impl<const N: usize> Operation<N> for Affine {
    const CHEAP: bool = false;

    fn forward(&self, inputs: [FlexTensor; N]) -> FlexTensor {
        let mut inputs = inputs.into_iter();
        let [x, weight] = [0, 1].map(|_| cpu::wrapped(inputs.next().expect("an input")));
        let bias = inputs.next().map(cpu::wrapped);
        cpu::primitive(match self.is_mixed {
            true => in_mixed(x, weight, bias),
            false => on_the_processor(x, weight, bias),
        })
    }

    fn kept(&self, wanted: [bool; N]) -> [bool; N] {
        std::array::from_fn(|input| match input {
            0 => wanted[1],
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
        let mut inputs = inputs.into_iter().map(|input| input.map(cpu::wrapped::<2>));
        let (x, weight) = (inputs.next().flatten(), inputs.next().flatten());
        let gradient = widened(cpu::wrapped::<2>(gradient)); // [n, d_output]
        let [of_x, of_weight] = self.types;
        let mut of = [None, None, None];
        if let Some(weight) = weight {
            let weight = match weight.dtype() {
                DType::F16 => widened(weight),
                _ => weight,
            };
            let value = self.of_x(gradient.clone(), weight); // [n, d_input]
            of[0] = Some(cpu::primitive(value.cast(of_x)));
        }
        if let Some(x) = x {
            let value = self.of_weight(gradient.clone(), widened(x)); // [d_output, d_input]
            of[1] = Some(cpu::primitive(value.cast(of_weight)));
        }
        if wanted.get(2) == Some(&true) {
            let d = gradient.dims()[1];
            let gradient = cpu::contiguous(gradient);
            let set = InstructionSet::best();
            let sums = column_sums(set, d, cpu::elements(&gradient), None);
            of[2] = Some(cpu::primitive(cpu::tensor::<1>(sums, [d])));
        }
        std::array::from_fn(|i| of[i].take())
    }
}

/// The same by tensor operations. The framework widens a half-precision weight to f32 for a product:
/// it is taken in blocks of rows, so that no second copy of it is ever in memory.
fn plain(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let [d_output, d_input] = weight.dims();
    let rows = (BLOCK / d_input.max(1)).max(1);
    let on_processor = weight.device().inner() == Device::flex();
    let dtype = x.dtype();
    let y = if autocast::in_bf16() && !on_processor {
        let [x, weight] = [x, weight].map(|x| x.cast(DType::BF16));
        x.matmul(weight.transpose()).cast(dtype)
    } else if weight.dtype() == DType::F32 || rows >= d_output || !on_processor {
        x.matmul(weight.transpose())
    } else {
        let block = |first: usize| {
            let block = weight.clone().narrow(0, first, rows.min(d_output - first));
            x.clone().matmul(block.transpose())
        };
        Tensor::cat((0..d_output).step_by(rows).map(block).collect(), 1)
    };
    match bias {
        Some(bias) => y + bias.unsqueeze(),
        None => y,
    }
}

/// Of factors that are rounded to bf16, in f32.
fn in_mixed(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let (dtype, [m, k], [n, _]) = (x.dtype(), x.dims(), weight.dims());
    let weight = match weight.dtype() {
        DType::F16 => widened(weight),
        _ => weight,
    };
    let (x, weight) = (cpu::contiguous(widened(x)), cpu::contiguous(weight));
    let bias = bias.map(|bias| cpu::contiguous(widened(bias)));
    let rows = (cpu::elements(&x), Lying::Whole);
    let columns = (factor(&weight), Lying::Whole);
    let bias = bias.as_ref().map(cpu::elements);
    narrowed(mixed(Sizes { m, n, k }, rows, columns, bias), dtype)
}

fn on_the_processor(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let (dtype, weight_type) = (x.dtype(), weight.dtype());
    let ([m, k], [n, _]) = (x.dims(), weight.dims());
    if [dtype, weight_type] == [DType::BF16; 2] {
        let epilogue = Epilogue {
            bias,
            ..Epilogue::default()
        };
        return in_bf16(x, weight, epilogue);
    }
    let bias = bias.map(|bias| cpu::contiguous(widened(bias)));
    let weight = cpu::contiguous(weight);
    let x = cpu::contiguous(widened(x));
    let rows = match weight_type {
        DType::BF16 => Rows::Bf16(cpu::elements(&weight)),
        DType::F16 => Rows::F16(cpu::elements(&weight)),
        _ => Rows::F32(cpu::elements(&weight)),
    };
    let out = product(
        InstructionSet::best(),
        Sizes { m, n, k },
        cpu::elements(&x),
        rows,
        bias.as_ref().map(cpu::elements),
    );
    narrowed(cpu::tensor(out, [m, n]), dtype)
}

/// A linear layer.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[d_output, d_input]`.
    pub weight: Param<Tensor<2>>,
    /// `[d_output]`, or none.
    pub bias: Option<Param<Tensor<1>>>,
    /// What it has learnt beside its weight, if anything.
    pub lora: Option<Lora>,
    /// The weight as products read it, where it was loaded so; `weight` is then made of it if it is read.
    #[module(skip)]
    pub packed: PackedWeight,
}

impl Linear {
    /// Normal weights with standard deviation `1 / sqrt(d_input)`, zero bias.
    pub fn new(d_input: usize, d_output: usize, bias: bool, init: &mut Init) -> Self {
        Self::scaled(d_input, d_output, bias, 1.0, init)
    }

    /// As [`Linear::new`], the standard deviation multiplied by `gain`.
    pub fn scaled(d_input: usize, d_output: usize, bias: bool, gain: f64, init: &mut Init) -> Self {
        let weight = init.normal([d_output, d_input], gain / (d_input as f64).sqrt());
        let packed = init.packable(&weight);
        Self {
            weight,
            bias: bias.then(|| init.full([d_output], 0.0)),
            lora: None,
            packed,
        }
    }

    /// Puts a change of low rank beside the weight, none at first.
    pub fn add_lora(&mut self, config: &LoraConfig, init: &mut Init) {
        let [d_output, d_input] = self.weight.lazy_shape().dims();
        self.lora = Some(Lora::new(config, d_input, d_output, init));
    }

    /// # Shapes
    /// - `x`: `[..., d_input]`
    /// - output: `[..., d_output]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.finished(x, Epilogue::default())
    }

    /// As [`Linear::forward`], the activation behind it.
    pub fn activated<const D: usize>(&self, x: Tensor<D>, activation: Activation) -> Tensor<D> {
        let epilogue = Epilogue {
            activation: Some(activation),
            ..Epilogue::default()
        };
        self.finished(x, epilogue)
    }

    /// As [`Linear::forward`], added to `stream`.
    ///
    /// # Shapes
    /// - `x`: `[..., d_input]`
    /// - `stream` and output: `[..., d_output]`
    pub fn added_to<const D: usize>(&self, stream: Tensor<D>, x: Tensor<D>) -> Tensor<D> {
        let d_output = self.weight.lazy_shape().dims::<2>()[0];
        let rows = x.dims()[..D - 1].iter().product::<usize>();
        let epilogue = Epilogue {
            stream: Some(stream.reshape([rows, d_output])),
            ..Epilogue::default()
        };
        self.finished(x, epilogue)
    }

    /// With another epilogue than its bias alone, which it adds to it.
    fn finished<const D: usize>(&self, x: Tensor<D>, epilogue: Epilogue) -> Tensor<D> {
        let [d_output, d_input] = self.weight.lazy_shape().dims();
        let mut dims = x.dims();
        assert_eq!(
            dims[D - 1],
            d_input,
            "linear [{d_output}, {d_input}] given {dims:?}"
        );
        let rows = dims[..D - 1].iter().product::<usize>();
        let epilogue = Epilogue {
            bias: self.bias.as_ref().map(Param::val),
            ..epilogue
        };
        let x = x.reshape([rows, d_input]);
        let y = match &self.lora {
            None => linear(x, &self.weight, &self.packed, epilogue),
            Some(lora) => {
                let low = affine(x.clone(), lora.a.val(), None); // [rows, rank]
                let learnt = affine(low, lora.b.val(), None) * lora.scale();
                let bias = Epilogue {
                    bias: epilogue.bias.clone(),
                    ..Epilogue::default()
                };
                let y = linear(x, &self.weight, &self.packed, bias) + learnt;
                let rest = Epilogue {
                    bias: None,
                    ..epilogue
                };
                rest.apply(y)
            }
        }; // [rows, d_output]
        dims[D - 1] = d_output;
        y.reshape(dims)
    }
}

/// [`Linear::forward`] of several layers with one input, an activation behind those that have one. Where their weights
/// are quantised alike the products are made together; each is what it is alone.
///
/// # Shapes
/// - `x`: `[..., d_input]`
/// - outputs: `[..., d_output]`
pub fn linears<const N: usize, const D: usize>(
    layers: [(&Linear, Option<Activation>); N],
    x: Tensor<D>,
) -> [Tensor<D>; N] {
    let dims = x.dims();
    let rows = dims[..D - 1].iter().product::<usize>();
    let epilogues = layers.map(|(layer, activation)| Epilogue {
        bias: layer.bias.as_ref().map(Param::val),
        activation,
        stream: None,
    });
    let alone = layers.iter().all(|(layer, _)| layer.lora.is_none());
    let together = || {
        let weights = layers.map(|(layer, _)| &layer.packed);
        PackedWeight::products(weights, &x.clone().reshape([rows, dims[D - 1]]), &epilogues)
    };
    if let Some(all) = alone.then(together).flatten() {
        return all.map(|y| {
            let mut dims = dims;
            dims[D - 1] = y.dims()[1];
            y.reshape(dims)
        });
    }
    layers.map(|(layer, activation)| match activation {
        Some(activation) => layer.activated(x.clone(), activation),
        None => layer.forward(x.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autocast::autocast;
    use crate::differentiable::testing::{assert_close, backward, devices, gradient, leaf, values};
    use crate::{Device, Precision, QuantKind, QuantisedMatrix, floats};

    #[test]
    fn a_half_precision_weight_in_blocks_gives_what_it_gives_whole() {
        let mut init = Init::new(2, &Device::flex());
        let (x, weight) = (init.normal([3, 2049], 1.0), init.normal([4099, 2049], 0.02));
        let [x, weight] = [x.val(), weight.val()].map(|t: Tensor<2>| t.cast(DType::BF16));
        let whole = x.clone().matmul(weight.clone().transpose());
        const { assert!(4099 * 2049 > BLOCK) };
        assert_eq!(plain(x, weight, None).into_data(), whole.into_data());
    }

    /// The largest difference of the kernel's product from the plain one, for any type of weight and
    /// sizes that no tile divides.
    #[test]
    fn the_kernel_gives_what_plain_operations_give() {
        let mut init = Init::new(5, &Device::flex());
        for ([m, k, n], dtype, tolerance) in [
            ([1, 3, 2], DType::F32, 1e-6),
            ([7, 37, 13], DType::F32, 1e-5),
            ([23, 1601, 101], DType::F32, 1e-4),
            ([2, 1601, 101], DType::BF16, 1e-4),
            ([11, 53, 17], DType::F16, 1e-4),
        ] {
            let x: Tensor<2> = init.normal([m, k], 1.0).val();
            let weight: Tensor<2> = init.normal([n, k], 1.0).val().cast(dtype);
            let bias: Tensor<1> = init.normal([n], 1.0).val();
            let expected = plain(
                x.clone(),
                weight.clone().cast(DType::F32),
                Some(bias.clone()),
            );
            let difference = (on_the_processor(x, weight, Some(bias)) - expected)
                .abs()
                .max();
            let difference = difference.into_scalar::<f32>();
            assert!(difference < tolerance, "{m} {k} {n} {dtype:?} {difference}");
        }
    }

    #[test]
    fn a_row_gives_the_same_bits_alone_and_among_others_with_any_number_of_threads() {
        let mut init = Init::new(6, &Device::flex());
        let x: Tensor<2> = init.normal([29, 809], 1.0).val();
        let weight: Tensor<2> = init.normal([211, 809], 1.0).val();
        let all = on_the_processor(x.clone(), weight.clone(), None);
        for row in [0, 5, 28] {
            let alone = on_the_processor(x.clone().narrow(0, row, 1), weight.clone(), None);
            assert_eq!(all.clone().narrow(0, row, 1).into_data(), alone.into_data());
        }
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let (x, weight) = (x.clone(), weight.clone());
            let again = pool
                .expect("threads")
                .install(|| on_the_processor(x, weight, None));
            assert_eq!(all.to_data(), again.into_data());
        }
    }

    #[test]
    fn rows_and_weights_of_bf16_give_the_rounded_sums_of_their_products() {
        let mut init = Init::new(7, &Device::flex());
        let [x, weight] = [[11, 331], [29, 331]].map(|shape: [usize; 2]| {
            let x: Tensor<2> = init.normal(shape, 1.0).val();
            x.cast(DType::BF16)
        });
        let bias: Tensor<1> = init.normal([29], 1.0).val();
        let y = affine(x.clone(), weight.clone(), Some(bias.clone()));
        assert_eq!(y.dtype(), DType::BF16);
        let [wide_x, wide_weight] = [&x, &weight].map(|x| x.clone().cast(DType::F32));
        let expected = values(plain(wide_x, wide_weight, Some(bias.clone())));
        for (found, expected) in values(y.clone().cast(DType::F32)).iter().zip(expected) {
            let far = (found - expected).abs();
            assert!(far < expected.abs() / 250.0 + 1e-4, "{found} {expected}");
        }
        // A row among others is the row alone.
        for row in [0, 5, 10] {
            let alone = affine(
                x.clone().narrow(0, row, 1),
                weight.clone(),
                Some(bias.clone()),
            );
            assert_eq!(y.clone().narrow(0, row, 1).into_data(), alone.into_data());
        }
    }

    #[test]
    fn an_epilogue_gives_what_operations_behind_the_product_give() {
        let mut init = Init::new(9, &Device::flex());
        let layer = Linear::new(64, 13, true, &mut init);
        let (x, stream): (Tensor<3>, Tensor<3>) = (
            init.normal([2, 5, 64], 1.0).val(),
            init.normal([2, 5, 13], 1.0).val(),
        );
        let weight = values(layer.weight.val());
        let mut quantised = Linear::new(64, 13, true, &mut init);
        quantised.bias = layer.bias.clone();
        let matrix = QuantisedMatrix::nearest(QuantKind::Q8_0, [13, 64], &weight).expect("fits");
        quantised.packed.set(matrix);
        let in_type = |x: &Tensor<3>, dtype: DType| x.clone().cast(dtype);
        for (layer, dtype, tolerance) in [
            (layer.clone(), DType::F32, 0.0),
            (quantised, DType::F32, 0.0),
            (layer.map(&mut ToBf16), DType::BF16, 0.05),
        ] {
            let (x, stream) = (in_type(&x, dtype), in_type(&stream, dtype));
            let y = layer.forward(x.clone());
            let pairs = [
                (
                    layer.activated(x.clone(), Activation::Gelu),
                    Activation::Gelu.apply(y.clone()),
                ),
                (layer.added_to(stream.clone(), x), stream + y),
            ];
            for (found, expected) in pairs {
                assert_eq!(found.dtype(), dtype);
                let far = (found - expected).abs().max().into_scalar::<f32>();
                assert!(far <= tolerance, "{dtype:?} {far}");
            }
        }
    }

    #[test]
    fn layers_made_together_give_what_each_gives_alone() {
        let mut init = Init::new(9, &Device::flex());
        let mut layer = |d_output: usize, kind: Option<QuantKind>| {
            let layer = Linear::new(64, d_output, d_output == 37, &mut init);
            let numbers = values(layer.weight.val());
            if let Some(kind) = kind {
                let matrix = QuantisedMatrix::nearest(kind, [d_output, 64], &numbers);
                layer.packed.set(matrix.expect("fits"));
            }
            layer
        };
        let [a, b, c] = [13, 37, 200].map(|d| layer(d, Some(QuantKind::Q4_1)));
        let other = layer(37, Some(QuantKind::Q8_0));
        let dense = layer(37, None);
        let gelu = Some(Activation::Gelu);
        for rows in [1, 2, 29] {
            let x: Tensor<3> = Init::new(2, &Device::flex())
                .normal([1, rows, 64], 1.0)
                .val();
            for layers in [
                [(&a, None), (&b, gelu), (&c, None)],
                [(&a, gelu), (&other, None), (&dense, gelu)],
            ] {
                for (found, (layer, activation)) in linears(layers, x.clone()).iter().zip(layers) {
                    let expected = match activation {
                        Some(activation) => layer.activated(x.clone(), activation),
                        None => layer.forward(x.clone()),
                    };
                    assert_eq!(found.to_data(), expected.into_data(), "{rows} rows");
                }
            }
        }
    }

    struct ToBf16;

    impl burn::module::ModuleMapper for ToBf16 {
        fn map_float<const D: usize>(&mut self, p: Param<Tensor<D>>) -> Param<Tensor<D>> {
            Param::from_tensor(p.val().cast(DType::BF16))
        }
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

    #[test]
    fn gradients_are_those_of_plain_operations() {
        for device in devices() {
            for [m, k, n] in [[1, 2, 3], [7, 37, 13], [29, 101, 53]] {
                for trained in [
                    [true, true, true],
                    [true, false, false],
                    [false, true, false],
                    [false, false, true],
                ] {
                    let run = |f: fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>) -> Tensor<2>| {
                        let x = leaf([m, k], 1, trained[0], &device);
                        let weight = leaf([n, k], 2, trained[1], &device);
                        let bias = leaf([n], 3, trained[2], &device);
                        let y = f(x.clone(), weight.clone(), Some(bias.clone()));
                        let out = values(y.clone());
                        let gradients = backward(y);
                        [
                            out,
                            gradient(&x, &gradients),
                            gradient(&weight, &gradients),
                            gradient(&bias, &gradients),
                        ]
                    };
                    let ours = run(affine);
                    assert_close(&ours, &run(plain), 1e-5);
                    let empty = [1, 2, 3].map(|i| ours[i].is_empty());
                    assert_eq!(empty, trained.map(|trained| !trained));
                }
            }
        }
    }

    #[test]
    fn mixed_products_and_their_gradients_are_those_of_f32_up_to_the_rounding_of_factors() {
        for device in devices() {
            for dtype in [DType::F32, DType::BF16, DType::F16] {
                let run = |precision: Precision| {
                    autocast(precision, || {
                        let x = leaf([37, 65], 1, true, &device);
                        let weight = match dtype {
                            DType::F32 => leaf([23, 65], 2, true, &device),
                            _ => leaf([23, 65], 2, false, &device).cast(dtype),
                        };
                        let bias = leaf([23], 3, true, &device);
                        let y = affine(x.clone(), weight.clone(), Some(bias.clone()));
                        assert_eq!(y.dtype(), DType::F32);
                        let gradients = backward(y.clone());
                        vec![
                            values(y),
                            gradient(&x, &gradients),
                            gradient(&bias, &gradients),
                            match dtype {
                                DType::F32 => gradient(&weight, &gradients),
                                _ => Vec::new(),
                            },
                        ]
                    })
                };
                let (mixed, plain) = (run(Precision::Bf16), run(Precision::F32));
                assert_close(&mixed, &plain, 1e-2);
                assert_ne!(mixed[0], plain[0], "factors are rounded");
                assert_eq!(mixed[2], plain[2], "sums of gradients are not");
            }
        }
    }

    #[test]
    fn a_frozen_weight_keeps_no_input_and_a_constant_input_no_weight() {
        let operation = Affine {
            types: [DType::F32; 2],
            is_mixed: false,
        };
        let kept = |wanted: [bool; 3]| operation.kept(wanted);
        assert_eq!(kept([true, false, false]), [false, true, false]);
        assert_eq!(kept([false, true, true]), [true, false, false]);
        assert_eq!(kept([false, false, true]), [false; 3]);
    }

    #[test]
    fn gradients_pass_through_a_frozen_weight_of_half_precision() {
        let device = Device::flex().autodiff();
        for dtype in [DType::F16, DType::BF16] {
            let weight: Tensor<2> = leaf([5, 7], 2, false, &device).cast(dtype);
            let run = |weight: Tensor<2>| {
                let x = leaf([3, 7], 1, true, &device);
                let y = affine(x.clone(), weight, None);
                [values(y.clone()), gradient(&x, &backward(y))]
            };
            let wide = run(weight.clone().cast(DType::F32));
            assert_close(&run(weight.clone()), &wide, 1e-5);
            // Both halves, and a gradient of the same type.
            let x: Tensor<2> = leaf([3, 7], 1, false, &device).cast(dtype).require_grad();
            let y = affine(x.clone(), weight.detach().require_grad(), None);
            assert_eq!(y.dtype(), dtype);
            let gradients = backward(y.cast(DType::F32));
            assert_eq!(x.grad(&gradients).expect("a gradient").dtype(), dtype);
        }
    }
}
