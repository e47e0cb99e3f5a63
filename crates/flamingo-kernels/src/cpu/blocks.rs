//! Tensors of bf16 through kernels that are written for f32: a block at a time is widened into a buffer
//! that stays in the cache, and rounded again.

use burn::tensor::{DType, TensorData};
use half::bf16;

use crate::cpu::bf16::{round, widen};
use crate::cpu::product::Shared;
use crate::cpu::simd::InstructionSet;
use crate::cpu::tasks::for_each;
use crate::cpu::{ALONE, FlexTensor, elements};

/// Numbers of a block, but for rows that are longer: the first cache holds them.
const BLOCK: usize = 4096;

/// What `kernel` makes of blocks of whole rows of `width`.
///
/// # Panics
/// If `x` is not bf16.
pub(crate) fn in_f32(
    x: FlexTensor,
    width: usize,
    kernel: impl Fn(&mut [f32]) + Sync,
) -> FlexTensor {
    let x = without_gaps(x);
    let from: &[bf16] = elements(&x);
    let out = blocks(from.len(), width, |numbers, buffer| {
        widened_into(&from[numbers], buffer);
        kernel(buffer);
    });
    tensor(out, &x)
}

/// What `kernel` makes of blocks of whole rows of `x`, each with the same one of `y`.
///
/// # Panics
/// If they are not both bf16, or not of the same shape.
pub(crate) fn both_in_f32(
    x: FlexTensor,
    y: FlexTensor,
    width: usize,
    kernel: impl Fn(&mut [f32], &[f32]) + Sync,
) -> FlexTensor {
    let (x, y) = (without_gaps(x), without_gaps(y));
    assert_eq!(x.layout().shape(), y.layout().shape(), "shapes");
    let (of_x, of_y): (&[bf16], &[bf16]) = (elements(&x), elements(&y));
    let out = blocks(of_x.len(), width, |numbers, buffer| {
        let mut other = vec![0.0; buffer.len()];
        widened_into(&of_x[numbers.clone()], buffer);
        widened_into(&of_y[numbers], &mut other);
        kernel(buffer, &other);
    });
    tensor(out, &x)
}

/// The rounded results of `kernel` for all blocks, on all threads.
fn blocks(
    len: usize,
    width: usize,
    kernel: impl Fn(std::ops::Range<usize>, &mut [f32]) + Sync,
) -> Vec<bf16> {
    let at_once = (BLOCK / width.max(1)).max(1) * width.max(1);
    let mut out = Vec::with_capacity(len);
    let to = Shared::unwritten(&mut out);
    let set = InstructionSet::best();
    let task = |number: usize| {
        let numbers = number * at_once..((number + 1) * at_once).min(len);
        let mut buffer = vec![0.0; numbers.len()];
        let first = numbers.start;
        kernel(numbers, &mut buffer);
        // SAFETY: blocks write elements of their own.
        unsafe { round(set, &buffer, to.behind(first).pointer()) };
    };
    let count = len.div_ceil(at_once);
    match len <= ALONE {
        true => (0..count).for_each(task),
        false => for_each(count, task),
    }
    // SAFETY: the blocks are all of it, and each wrote its elements.
    unsafe { out.set_len(len) };
    out
}

fn widened_into(from: &[bf16], to: &mut [f32]) {
    assert_eq!(from.len(), to.len(), "as many places as numbers");
    // SAFETY: the lengths are the same.
    unsafe { widen(InstructionSet::best(), from, to.as_mut_ptr()) }
}

fn without_gaps(x: FlexTensor) -> FlexTensor {
    assert_eq!(x.dtype(), DType::BF16, "the type of a tensor");
    match x.is_contiguous() {
        true => x,
        false => x.to_contiguous(),
    }
}

fn tensor<E: burn::tensor::Element>(values: Vec<E>, like: &FlexTensor) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, like.layout().shape().clone()))
}

/// A tensor of bf16 in f32, row-major and without gaps.
pub(crate) fn widened(x: &FlexTensor) -> FlexTensor {
    let layout = x.layout();
    let (shape, strides) = (layout.shape(), layout.strides());
    let len = layout.num_elements();
    let mut out = Vec::with_capacity(len);
    let to = Shared::unwritten(&mut out);
    let set = InstructionSet::best();
    match *strides {
        // Rows of heads: each is whole.
        [rows, heads, stride, 1] if !x.is_contiguous() && layout.has_positive_strides() => {
            let [of_heads, of_rows, width] = [shape[1], shape[2], shape[3]];
            let from = &x.storage::<bf16>()[layout.start_offset()..];
            let head = |number: usize| {
                let (row, head) = (number / of_heads, number % of_heads);
                let first = row * rows as usize + head * heads as usize;
                for i in 0..of_rows {
                    let from = &from[first + i * stride as usize..][..width];
                    // SAFETY: each head writes rows of its own.
                    unsafe {
                        widen(
                            set,
                            from,
                            to.behind((number * of_rows + i) * width).pointer(),
                        )
                    };
                }
            };
            match len <= ALONE {
                true => (0..shape[0] * of_heads).for_each(head),
                false => for_each(shape[0] * of_heads, head),
            }
        }
        _ => {
            let x = without_gaps(x.clone());
            let from: &[bf16] = elements(&x);
            in_parts(len, |numbers| {
                let first = numbers.start;
                // SAFETY: parts write elements of their own.
                unsafe { widen(set, &from[numbers], to.behind(first).pointer()) }
            });
        }
    }
    // SAFETY: all were written.
    unsafe { out.set_len(len) };
    tensor::<f32>(out, x)
}

/// A tensor of f32, rounded to bf16.
pub(crate) fn rounded(x: &FlexTensor) -> FlexTensor {
    let x = match x.is_contiguous() {
        true => x.clone(),
        false => x.to_contiguous(),
    };
    let from: &[f32] = elements(&x);
    let mut out = Vec::with_capacity(from.len());
    let to = Shared::unwritten(&mut out);
    let set = InstructionSet::best();
    in_parts(from.len(), |numbers| {
        let first = numbers.start;
        // SAFETY: parts write elements of their own.
        unsafe { round(set, &from[numbers], to.behind(first).pointer()) }
    });
    // SAFETY: all were written.
    unsafe { out.set_len(from.len()) };
    tensor::<bf16>(out, &x)
}

fn in_parts(len: usize, part: impl Fn(std::ops::Range<usize>) + Sync) {
    match len <= ALONE {
        true => part(0..len),
        false => for_each(len.div_ceil(ALONE), |number| {
            part(number * ALONE..((number + 1) * ALONE).min(len));
        }),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;
    use crate::cpu::{primitive, wrapped};
    use crate::{Device, Init};

    fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
        Init::new(seed, &Device::flex()).normal(shape, 1.0).val()
    }

    #[test]
    fn numbers_are_widened_and_rounded_as_the_framework_does_it() {
        // Whole, of one thread and of several; heads side by side; turned.
        let views: [fn(Tensor<4>) -> Tensor<4>; 3] =
            [|x| x, |x| x.swap_dims(1, 2), |x| x.swap_dims(2, 3)];
        for shape in [[2, 3, 5, 7], [3, 23, 17, 29]] {
            for view in views {
                let x = view(random(shape, 1));
                let half = x.clone().cast(DType::BF16);
                let found = wrapped::<4>(rounded(&primitive(x)));
                assert_eq!(found.into_data(), half.clone().into_data());
                let half = view(random(shape, 1).cast(DType::BF16));
                let wide = wrapped::<4>(widened(&primitive(half.clone())));
                assert_eq!(wide.into_data(), half.cast(DType::F32).into_data());
            }
        }
    }

    #[test]
    fn a_kernel_sees_whole_rows_of_both() {
        let [x, y] = [1, 2].map(|seed| random([97, 331], seed).cast(DType::BF16));
        let found = both_in_f32(primitive(x.clone()), primitive(y.clone()), 331, |x, y| {
            assert!(x.len().is_multiple_of(331));
            x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
        });
        assert_eq!(wrapped::<2>(found).into_data(), (x.clone() + y).into_data());
        let doubled = in_f32(primitive(x.clone()), 331, |x| {
            x.iter_mut().for_each(|x| *x *= 2.0)
        });
        assert_eq!(wrapped::<2>(doubled).into_data(), (x * 2.0).into_data());
    }
}
