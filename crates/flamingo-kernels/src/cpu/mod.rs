//! Kernels for this machine's processor, over slices: what the framework's backend lacks or does
//! slowly. They are compiled for AVX-512, AVX2 and plain code and chosen at run time (`simd`),
//! give the same bits with any number of threads, and each has a twin in plain tensor operations
//! beside the layer that uses it, which is its reference in tests and does the work elsewhere.

// A kernel's loops go over rows and lanes of several matrices at once.
#![allow(clippy::needless_range_loop)]

pub(crate) mod activation;
pub(crate) mod adamw;
pub(crate) mod attention;
pub(crate) mod attention_backward;
pub(crate) mod bf16;
pub(crate) mod blocks;
pub(crate) mod columns;
pub(crate) mod depthwise;
pub(crate) mod exp;
pub(crate) mod finish;
pub(crate) mod lines;
pub(crate) mod mixed;
pub(crate) mod norm;
pub(crate) mod panels;
pub(crate) mod product;
pub(crate) mod simd;
pub(crate) mod tasks;

use burn::backend::ops::FloatTensorOps;
use burn::backend::{BackendTypes, Flex};
use burn::tensor::{DType, FloatDType, Tensor, TensorData};

use product::Shared;

/// A tensor of the processor's backend.
pub(crate) type FlexTensor = <Flex as BackendTypes>::FloatTensorPrimitive;

/// Elements of which one thread does so little that it need not share the work.
pub(crate) const ALONE: usize = 1 << 14;

/// Whether this tensor lies in this machine's memory.
pub(crate) fn here<const D: usize>(x: &Tensor<D>) -> bool {
    x.device().inner() == burn::tensor::Device::flex()
}

/// Whether kernels can read this tensor as it is: it lies in this machine's memory and nothing records
/// what is done to it.
pub(crate) fn readable<const D: usize>(x: &Tensor<D>) -> bool {
    !x.is_autodiff() && x.device() == burn::tensor::Device::flex()
}

/// Whether the kernels for bf16 can read this tensor as it is.
pub(crate) fn in_bf16<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::BF16 && readable(x)
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

/// The backend's tensor as layers have it.
pub(crate) fn wrapped<const D: usize>(x: FlexTensor) -> Tensor<D> {
    Tensor::from_primitive::<Flex>(x)
}

/// A backend's tensor of any rank, row-major and without gaps, in f32.
pub(crate) fn plain_f32(x: FlexTensor) -> FlexTensor {
    let x = match x.dtype() {
        DType::F32 => x,
        _ => Flex::float_cast(x, FloatDType::F32),
    };
    match x.is_contiguous() {
        true => x,
        false => x.to_contiguous(),
    }
}

/// Where a kernel reads, from many threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source(*const f32);
// SAFETY: nothing is written through it.
unsafe impl Send for Source {}
// SAFETY: as above.
unsafe impl Sync for Source {}

impl Source {
    pub(crate) fn of(elements: &[f32]) -> Self {
        Self(elements.as_ptr())
    }

    pub(crate) fn pointer(self) -> *const f32 {
        self.0
    }
}

/// Where a kernel reads `len` elements, and where it writes as many: the same place or another.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) from: Source,
    pub(crate) to: Shared,
    pub(crate) len: usize,
}

impl Place {
    /// For a kernel that changes numbers where they are.
    pub(crate) fn within(numbers: &mut [f32]) -> Self {
        let len = numbers.len();
        let to = Shared::new(numbers);
        let from = Source(to.pointer());
        Self { from, to, len }
    }
}

/// What `kernel` makes of the elements of `x`, in the memory of `x` if no one else holds it. The kernel
/// must write every element of the place.
pub(crate) fn transformed(x: FlexTensor, kernel: impl FnOnce(Place)) -> FlexTensor {
    let mut x = plain_f32(x);
    let (start, len) = (x.layout().start_offset(), x.layout().num_elements());
    if let Some(all) = x.try_storage_mut::<f32>() {
        kernel(Place::within(&mut all[start..start + len]));
        return x;
    }
    let mut out = Vec::<f32>::with_capacity(len);
    kernel(Place {
        from: Source::of(elements(&x)),
        to: Shared::unwritten(&mut out),
        len,
    });
    // SAFETY: the kernel wrote them all.
    unsafe { out.set_len(len) };
    FlexTensor::from_data(TensorData::new(out, x.layout().shape().clone()))
}
