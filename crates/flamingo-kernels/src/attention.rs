//! Scaled dot-product attention (Vaswani et al., 2017) over heads, of whole tensors; it can be trained
//! through.

use burn::tensor::{DType, Tensor, activation};
use rayon::prelude::*;

use crate::cpu::attention::{BLOCK, Head, Mask, Piece, Rows};
use crate::cpu::product::Shared;
use crate::cpu::simd::InstructionSet;
use crate::cpu::{self, FlexTensor, attention_backward};
use crate::differentiable::{Operation, apply, tracked, unrecorded};
use crate::{narrowed, widened};

/// What is added to a score to hide it. Finite, so that a row with nothing to see is a uniform
/// average and not NaN; large enough that any visible score wins by more than f32 can hold.
pub const MASKED: f32 = -1e30;

/// `softmax(q k^T scale + bias) v`; scores are f32 whatever the type of `q`, `k` and `v`, for
/// half-precision numbers can neither hide nor tell apart as many keys as there may be.
///
/// # Shapes
/// - `q`: `[B, H, Lq, Dh]`
/// - `k`, `v`: `[B, H, Lk, Dh]`
/// - `bias`: f32, `[B or 1, H or 1, Lq or 1, Lk]`, with [`MASKED`] where a query must not look
/// - output: `[B, H, Lq, Dh]`
pub fn attention(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    bias: Option<Tensor<4>>,
    scale: f64,
) -> Tensor<4> {
    let on_processor = [&q, &k, &v].into_iter().all(cpu::here)
        && bias
            .as_ref()
            .is_none_or(|bias| cpu::here(bias) && !tracked(bias));
    if !on_processor {
        return plain(q, k, v, bias, scale);
    }
    let operation = Attention {
        bias: bias.map(|bias| unrecorded(bias.into_dispatch())),
        scale,
        types: [q.dtype(), k.dtype(), v.dtype()],
    };
    apply(operation, [q, k, v].map(Tensor::into_dispatch))
}

/// Of queries, keys and values.
#[derive(Debug, Clone)]
struct Attention {
    bias: Option<FlexTensor>,
    scale: f64,
    types: [DType; 3],
}

impl Operation<3> for Attention {
    const CHEAP: bool = false;

    fn forward(&self, inputs: [FlexTensor; 3]) -> FlexTensor {
        let [q, k, v] = inputs.map(cpu::wrapped);
        let bias = self.bias.clone().map(cpu::wrapped);
        cpu::primitive(on_the_processor(q, k, v, bias, self.scale))
    }

    fn kept(&self, [of_q, of_k, _]: [bool; 3]) -> [bool; 3] {
        [true, true, of_q || of_k]
    }

    fn backward(
        &self,
        inputs: [Option<FlexTensor>; 3],
        gradient: FlexTensor,
        wanted: [bool; 3],
    ) -> [Option<FlexTensor>; 3] {
        let gradient = with_f32_rows(cpu::wrapped(gradient));
        let [q, k, v] = inputs.map(|x| x.map(|x| with_f32_rows(cpu::wrapped(x))));
        let (q, k) = (q.expect("queries are kept"), k.expect("keys are kept"));
        let gradients = self.gradients([&q, &k, v.as_ref().unwrap_or(&k)], &gradient, wanted);
        let mut types = self.types.into_iter();
        gradients.map(|x| {
            let dtype = types.next().expect("three types");
            x.map(|x| cpu::primitive(x.cast(dtype)))
        })
    }
}

impl Attention {
    fn gradients(
        &self,
        [q, k, v]: [&FlexTensor; 3],
        gradient: &FlexTensor,
        wanted: [bool; 3],
    ) -> [Option<Tensor<4>>; 3] {
        let shape = |x: &FlexTensor| -> [usize; 4] {
            let shape = x.layout().shape();
            std::array::from_fn(|axis| shape[axis])
        };
        let ([b, h, lq, width], [_, _, lk, _]) = (shape(q), shape(k));
        let lens = [lq, lk, lk];
        let mut out: [Vec<f32>; 3] = std::array::from_fn(|i| match wanted[i] {
            true => vec![0.0; b * lens[i] * h * width],
            false => Vec::new(),
        });
        let mut places = out.iter_mut().map(|out| Shared::new(out));
        let places: [Shared; 3] = std::array::from_fn(|_| places.next().expect("three"));
        let bias = Biases::of(self.bias.clone().map(cpu::wrapped), lk);
        let set = InstructionSet::best();
        (0..b * h).into_par_iter().for_each(|task| {
            let at = [task / h, task % h];
            // SAFETY: the tensors outlive the loop; each task writes heads of its own.
            unsafe {
                let out = |i: usize| {
                    wanted[i].then(|| attention_backward::Out {
                        first: places[i].behind((at[0] * lens[i] * h + at[1]) * width),
                        stride: h * width,
                    })
                };
                let head = attention_backward::Head {
                    queries: cpu::rows(q, at),
                    keys: cpu::rows(k, at),
                    values: cpu::rows(v, at),
                    gradient: cpu::rows(gradient, at),
                    lens: [lq, lk],
                    width,
                    scale: self.scale as f32,
                    mask: bias.mask(at),
                    of_queries: out(0),
                    of_keys: out(1),
                    of_values: out(2),
                };
                attention_backward::gradients(set, &head);
            }
        });
        let mut out = out.into_iter();
        std::array::from_fn(|i| {
            let out = out.next().filter(|_| wanted[i])?;
            Some(cpu::tensor(out, [b, lens[i], h, width]).swap_dims(1, 2))
        })
    }
}

/// The bias of each head.
struct Biases {
    /// With its rows, heads and queries.
    bias: Option<(FlexTensor, [usize; 3])>,
    keys: usize,
}

impl Biases {
    fn of(bias: Option<Tensor<4>>, keys: usize) -> Self {
        let bias = bias.map(|bias| {
            let [rows, heads, queries, _] = bias.dims();
            (cpu::contiguous(bias), [rows, heads, queries])
        });
        Self { bias, keys }
    }

    fn mask(&self, [row, head]: [usize; 2]) -> Mask<'_> {
        self.bias
            .as_ref()
            .map_or(Mask::None, |(bias, [rows, heads, queries])| {
                let at = ((row % rows) * heads + head % heads) * queries * self.keys;
                Mask::Bias(Rows {
                    first: cpu::elements::<f32>(bias)[at..].as_ptr(),
                    stride: if *queries == 1 { 0 } else { self.keys },
                })
            })
    }
}

fn with_f32_rows(x: Tensor<4>) -> FlexTensor {
    cpu::with_whole_rows(widened(x))
}

fn plain(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    bias: Option<Tensor<4>>,
    scale: f64,
) -> Tensor<4> {
    let dtype = v.dtype();
    let mut scores = (q * scale).matmul(k.transpose()).cast(DType::F32); // [B, H, Lq, Lk]
    if let Some(bias) = bias {
        scores = scores + bias;
    }
    activation::softmax(scores, 3).cast(dtype).matmul(v)
}

fn on_the_processor(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    bias: Option<Tensor<4>>,
    scale: f64,
) -> Tensor<4> {
    let dtype = v.dtype();
    let ([b, h, lq, width], [_, _, lk, _]) = (q.dims(), k.dims());
    let [q, k, v] = [q, k, v].map(with_f32_rows);
    let bias = Biases::of(bias, lk);
    let mut out = vec![0.0; b * lq * h * width];
    let shared = Shared::new(&mut out);
    let blocks = lq.div_ceil(BLOCK);
    let set = InstructionSet::best();
    (0..b * h * blocks).into_par_iter().for_each(|task| {
        let (row, number, block) = (task / (h * blocks), task / blocks % h, task % blocks);
        let rows = |x: &FlexTensor| cpu::rows(x, [row, number]);
        let wanted = [block * BLOCK, ((block + 1) * BLOCK).min(lq)];
        // SAFETY: the tensors outlive the loop; each task writes rows of its own.
        unsafe {
            let at = (row * lq * h + number) * width;
            let head = Head {
                queries: rows(&q),
                wanted,
                width,
                scale: scale as f32,
                mask: bias.mask([row, number]),
                out: shared.behind(at),
                out_stride: h * width,
            };
            let piece = Piece {
                keys: rows(&k),
                values: rows(&v),
                len: lk,
            };
            cpu::attention::attend(set, &head, &[piece]);
        }
    });
    narrowed(cpu::tensor(out, [b, lq, h, width]), dtype).swap_dims(1, 2)
}

/// Each head of keys or values for `share` neighbouring heads of queries.
///
/// # Shapes
/// - `x`: `[B, H, L, Dh]`
/// - output: `[B, H * share, L, Dh]`
pub fn repeat_heads(x: Tensor<4>, share: usize) -> Tensor<4> {
    if share == 1 {
        return x;
    }
    let [b, h, l, dh] = x.dims();
    x.reshape([b, h, 1, l * dh])
        .repeat_dim(2, share)
        .reshape([b, h * share, l, dh])
}

/// # Shapes
/// - `x`: `[B, L, H * Dh]`
/// - output: `[B, H, L, Dh]`
pub fn split_heads(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [b, l, d] = x.dims();
    x.reshape([b, l, heads, d / heads]).swap_dims(1, 2)
}

/// # Shapes
/// - `x`: `[B, H, L, Dh]`
/// - output: `[B, L, H * Dh]`
pub fn merge_heads(x: Tensor<4>) -> Tensor<3> {
    let [b, h, l, dh] = x.dims();
    x.swap_dims(1, 2).reshape([b, l, h * dh])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differentiable::testing::{assert_close, backward, devices, gradient, leaf, values};
    use crate::{Device, Init, floats};

    fn random(shape: [usize; 4], seed: u64) -> Tensor<4> {
        Init::new(seed, &Device::flex()).normal(shape, 1.0).val()
    }

    #[test]
    fn heads_split_and_merge_back() {
        let x = Init::new(3, &Device::flex()).normal([2, 5, 21], 1.0).val();
        let y = merge_heads(split_heads(x.clone(), 7));
        assert_eq!(x.into_data(), y.into_data());
    }

    fn largest_difference<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
        (a - b).abs().max().into_scalar()
    }

    #[test]
    fn the_kernel_gives_what_plain_operations_give() {
        for ([b, h, lq, lk, width], seed) in [
            ([1, 2, 1, 1, 3], 1),
            ([2, 3, 5, 7, 11], 2),
            ([2, 3, 37, 53, 64], 3),
            ([1, 2, 67, 131, 89], 4),
        ] {
            // Heads as models split them: not in the order of memory.
            let of = |l: usize, seed: u64| random([b, l, h, width], seed).swap_dims(1, 2);
            let (q, k, v) = (of(lq, seed), of(lk, seed + 10), of(lk, seed + 20));
            let biases = [
                None,
                Some(random([1, 1, 1, lk], 5)),
                Some(random([b, h, lq, lk], 6)),
                Some(random([b, 1, lq, lk], 7)),
            ];
            for bias in biases {
                let all = [&q, &k, &v].map(|x| x.clone());
                let [q, k, v] = all.clone();
                let kernel = on_the_processor(q, k, v, bias.clone(), 0.3);
                let [q, k, v] = all;
                let difference = largest_difference(kernel, plain(q, k, v, bias, 0.3));
                assert!(difference < 1e-5, "{b} {h} {lq} {lk} {width}: {difference}");
            }
        }
    }

    #[test]
    fn a_masked_key_does_not_move_the_output() {
        let (q, k, v) = (
            random([2, 3, 5, 7], 1),
            random([2, 3, 2, 7], 2),
            random([2, 3, 2, 7], 3),
        );
        let bias = floats(vec![0.0, MASKED], [1, 1, 1, 2], &Device::flex());
        let masked = attention(q, k, v.clone(), Some(bias), 0.3);
        let first = v.narrow(2, 0, 1).expand([2, 3, 5, 7]);
        assert_eq!(masked.into_data(), first.into_data());
    }

    #[test]
    fn hidden_keys_stay_hidden_in_half_precision() {
        for dtype in [DType::F16, DType::BF16] {
            let [q, k, v] = [1, 2, 3].map(|seed| random([1, 1, 2, 4], seed).cast(dtype));
            let bias = vec![0.0, MASKED, MASKED, MASKED];
            let bias = floats(bias, [1, 1, 2, 2], &Device::flex());
            let y = attention(q, k, v.clone(), Some(bias), 1.0).cast(DType::F32);
            let [first, second] = [0, 1].map(|row| y.clone().narrow(2, row, 1));
            let values = v.cast(DType::F32);
            let far = |a: Tensor<4>, b: Tensor<4>| (a - b).abs().max().into_scalar::<f32>();
            assert!(far(first, values.clone().narrow(2, 0, 1)) < 1e-6);
            assert!(
                far(second, values.mean_dim(2)) < 1e-2,
                "a uniform average, and finite"
            );
        }
    }

    #[test]
    fn a_row_with_nothing_to_see_is_finite() {
        let (q, k, v) = (
            random([1, 1, 1, 3], 1),
            random([1, 1, 2, 3], 2),
            random([1, 1, 2, 3], 3),
        );
        let bias = floats(vec![MASKED, MASKED], [1, 1, 1, 2], &Device::flex());
        let y = attention(q, k, v, Some(bias), 1.0)
            .into_data()
            .try_to_vec::<f32>()
            .expect("f32");
        assert!(y.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn gradients_are_those_of_plain_operations() {
        for device in devices() {
            for [b, h, lq, lk, width] in [
                [1, 1, 1, 1, 3],
                [2, 3, 5, 7, 11],
                [2, 3, 37, 53, 67],
                [1, 2, 71, 131, 19],
            ] {
                let biases = [
                    None,
                    Some(random([1, 1, 1, lk], 5)),
                    Some(random([b, h, lq, lk], 6)),
                    Some(hidden([b, 1, lq, lk])),
                ];
                for (number, bias) in biases.into_iter().enumerate() {
                    let bias = bias.map(|bias| Tensor::from_data(bias.into_data(), &device));
                    for trained in [[true; 3], [true, false, false], [false, true, true]] {
                        if number % 2 == 1 && !trained[0] {
                            continue;
                        }
                        let run = |f: fn(_, _, _, _, f64) -> Tensor<4>| {
                            let of = |i: usize, l: usize| {
                                leaf([b, l, h, width], i as u64, trained[i], &device)
                            };
                            let leaves = [of(0, lq), of(1, lk), of(2, lk)];
                            let [q, k, v] = leaves.clone().map(|x| x.swap_dims(1, 2));
                            let y = f(q, k, v, bias.clone(), 0.3);
                            let out = values(y.clone());
                            let gradients = backward(y);
                            let [q, k, v] = leaves.each_ref().map(|x| gradient(x, &gradients));
                            [out, q, k, v]
                        };
                        let ours = run(attention);
                        assert_close(&ours, &run(plain), 1e-5);
                        let empty = [1, 2, 3].map(|i| ours[i].is_empty());
                        assert_eq!(empty, trained.map(|trained| !trained));
                    }
                }
            }
        }
    }

    /// A bias that hides every third key, and from the first query all.
    fn hidden([b, h, lq, lk]: [usize; 4]) -> Tensor<4> {
        let one = |i: usize| match i % lk % 3 == 1 || (i / lk).is_multiple_of(lq) {
            true => MASKED,
            false => 0.1,
        };
        let bias = (0..b * h * lq * lk).map(one).collect();
        floats(bias, [b, h, lq, lk], &Device::flex())
    }

    #[test]
    fn a_bias_that_is_trained_gets_its_gradient() {
        let device = Device::flex().autodiff();
        let [q, k, v] = [1, 2, 3].map(|seed| leaf([1, 2, 3, 5], seed, false, &device));
        let bias = leaf([1, 2, 3, 3], 4, true, &device);
        let y = attention(q, k, v, Some(bias.clone()), 0.3);
        assert!(!gradient(&bias, &backward(y)).is_empty());
    }

    #[test]
    fn a_hidden_key_gets_no_gradient() {
        let device = Device::flex().autodiff();
        let [q, k, v] = [1, 2, 3].map(|seed| leaf([1, 1, 3, 5], seed, true, &device));
        let bias = floats(vec![0.0, MASKED, 0.0], [1, 1, 1, 3], &device);
        let gradients = backward(attention(q, k.clone(), v.clone(), Some(bias), 0.3));
        for x in [k, v] {
            assert_eq!(gradient(&x, &gradients)[5..10], [0.0; 5]);
        }
    }

    #[test]
    fn gradients_have_the_same_bits_with_any_number_of_threads() {
        let device = Device::flex().autodiff();
        let run = || {
            let leaves = [1, 2, 3].map(|seed| leaf([2, 3, 41, 13], seed, true, &device));
            let [q, k, v] = leaves.clone();
            let gradients = backward(attention(q, k, v, None, 0.3));
            leaves.map(|x| gradient(&x, &gradients))
        };
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            assert_eq!(pool.expect("threads").install(run), run());
        }
    }

    #[test]
    fn gradients_of_half_precision_have_its_type() {
        let device = Device::flex().autodiff();
        for dtype in [DType::F16, DType::BF16] {
            let leaves = [1, 2, 3].map(|seed| {
                let x: Tensor<4> = leaf([1, 2, 3, 5], seed, false, &device);
                x.cast(dtype).require_grad()
            });
            let [q, k, v] = leaves.clone();
            let gradients = backward(attention(q, k, v, None, 0.3).cast(DType::F32));
            for x in leaves {
                assert_eq!(x.grad(&gradients).expect("a gradient").dtype(), dtype);
            }
        }
    }
}
