//! Kernels for this machine's processor, over slices: what the framework's backend lacks or does
//! slowly. They are compiled for AVX-512, AVX2 and plain code and chosen at run time (`simd`),
//! give the same bits with any number of threads, and each has a twin in plain tensor operations
//! beside the layer that uses it, which is its reference in tests and does the work elsewhere.

pub(crate) mod attention;
pub(crate) mod exp;
pub(crate) mod product;
pub(crate) mod simd;

use burn::backend::{BackendTypes, Flex};
use burn::tensor::{DType, Tensor, TensorData};

/// A tensor of the processor's backend.
pub(crate) type FlexTensor = <Flex as BackendTypes>::FloatTensorPrimitive;

/// Whether kernels can read this tensor: it lies in this machine's memory and nothing records what
/// is done to it.
pub(crate) fn readable<const D: usize>(x: &Tensor<D>) -> bool {
    !x.is_autodiff() && x.device() == burn::tensor::Device::flex()
}

/// The tensor as the backend has it.
///
/// # Panics
/// If it is not [`readable`].
pub(crate) fn primitive<const D: usize>(x: Tensor<D>) -> FlexTensor {
    x.try_into_primitive::<Flex>()
        .expect("a tensor on the processor")
}

/// The tensor as the backend has it, row-major and without gaps.
pub(crate) fn contiguous<const D: usize>(x: Tensor<D>) -> FlexTensor {
    let x = primitive(x);
    match x.is_contiguous() {
        true => x,
        false => x.to_contiguous(),
    }
}

/// The tensor as the backend has it, the elements of its last axis side by side.
pub(crate) fn with_whole_rows(x: Tensor<4>) -> FlexTensor {
    let x = primitive(x);
    match x.layout().strides() {
        [.., 1] if x.layout().has_positive_strides() => x,
        _ => x.to_contiguous(),
    }
}

/// Rows of matrix `[row, head]` of a tensor that [`with_whole_rows`] gave.
pub(crate) fn rows(x: &FlexTensor, [row, head]: [usize; 2]) -> attention::Rows {
    let layout = x.layout();
    let [rows, heads, stride, _] = layout.strides() else {
        unreachable!("four axes")
    };
    let at = layout.start_offset() as isize + row as isize * rows + head as isize * heads;
    attention::Rows {
        first: x.storage::<f32>()[at as usize..].as_ptr(),
        stride: *stride as usize,
    }
}

/// The elements of a tensor that [`contiguous`] gave.
pub(crate) fn elements<E: burn::tensor::Element + bytemuck::Pod>(x: &FlexTensor) -> &[E] {
    let layout = x.layout();
    let start = layout.start_offset();
    &x.storage::<E>()[start..start + layout.num_elements()]
}

/// A tensor of f32 numbers that a kernel made.
pub(crate) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    let data = TensorData::new(values, shape);
    Tensor::from_data(data, (&burn::tensor::Device::flex(), DType::F32))
}
