//! The ops layer: what the models of this project are written with.
//!
//! A model file uses the layers and functions of this crate and plain tensor arithmetic, nothing
//! else of the framework, so that kernels, weight formats and the framework itself can change
//! beneath it. Weights keep the layout of PyTorch checkpoints (`[d_output, d_input]`), and the
//! field names of a layer are the tensor names on disk.
//!
//! Axis letters, here and in `flamingo-model`: `B` batch rows, `L` text tokens, `M` media (images
//! or films) flat over the batch, `T` frames, `S` positions of a frame, `R` latents, `H` heads,
//! `Dh` width of a head, `D` text width, `Dv` visual width, `V` vocabulary.

mod activation;
mod adamw;
mod attend;
mod attention;
mod autocast;
mod bf16_matrix;
mod conv;
mod cpu;
mod depthwise;
mod device;
mod differentiable;
mod embedding;
mod epilogue;
mod init;
mod largest;
mod linear;
mod log_sum;
mod lora;
mod loss;
mod norm;
mod packed_weight;
mod quantised;
mod reading;
mod rotate;
mod vocabulary_loss;
mod weight_type;

pub use activation::{Activation, add, add_gated};
pub use adamw::{AdamWUpdate, Moments, sum_of_squares};
pub use attend::{Heads, KeysValues, Order, QueryGroup, attend};
pub use attention::{MASKED, attention, merge_heads, repeat_heads, split_heads};
pub use autocast::autocast;
pub use bf16_matrix::Bf16Matrix;
pub use burn;
pub use burn::module::{Module, Param};
pub use burn::tensor::{DType, Device, Int, Tensor, TensorData};
pub use conv::{Conv2d, avg_pool2, conv2d_same};
pub use cpu::simd::{InstructionSet, LimitError, limit_instructions};
pub use depthwise::depthwise_same;
pub use device::{Backend, DeviceError, Precision, available_backends, open_device};
pub use embedding::Embedding;
pub use epilogue::Epilogue;
pub use init::Init;
pub use largest::largest;
pub use linear::{Linear, affine, linear, linears};
pub use log_sum::{greatest, log_sum_exp};
pub use lora::{Lora, LoraConfig};
pub use loss::{Loss, Predicted, cross_entropy, log_probabilities, predicted};
pub use norm::{Norm, NormKind};
pub use packed_weight::{PackedMatrix, PackedWeight, PackedWeights, multiplies_packed};
pub use quantised::{QuantKind, QuantisedMatrix, Unfit, dequantise_rows, quantise_rows};
pub use reading::sum;
pub use rotate::{Rotations, rotate, rotate_tokens};
pub use vocabulary_loss::{SCORED_AT_ONCE, vocabulary_loss};
pub use weight_type::{Matrices, WeightType};

/// Integer indices as a tensor on `device`.
pub fn indices(values: impl IntoIterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = values.into_iter().map(|v| v as i32).collect();
    let len = values.len();
    Tensor::from_data(TensorData::new(values, [len]), device)
}

/// A float tensor on `device` from row-major values, in the device's default precision.
///
/// # Panics
/// If the number of values is not the product of `shape`.
pub fn floats<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The same numbers in memory of their own, if `x` is on the processor and may be a part of a larger
/// tensor, which it would keep in memory.
pub fn compact<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    match !x.is_autodiff() && x.device() == Device::flex() {
        true => {
            let dtype = x.dtype();
            Tensor::from_data(x.into_data(), (&Device::flex(), dtype))
        }
        false => x,
    }
}

/// `values`, which lie on a device that records nothing, on the same one as `device` says: recording for gradients or not,
/// and saving memory as it does.
pub fn recorded_on<const D: usize>(values: Tensor<D>, device: &Device) -> Tensor<D> {
    match device.gradient_checkpointing_strategy() {
        Some(strategy) => values
            .autodiff()
            .with_gradient_checkpointing_strategy(strategy),
        None => values,
    }
}

/// The tensor in f32.
fn widened<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    match x.dtype() {
        DType::F32 => x,
        DType::BF16 if cpu::readable(&x) => cpu::wrapped(cpu::blocks::widened(&cpu::primitive(x))),
        _ => x.cast(DType::F32),
    }
}

/// A tensor of f32 in another type.
fn narrowed<const D: usize>(x: Tensor<D>, dtype: DType) -> Tensor<D> {
    match dtype {
        DType::F32 => x,
        DType::BF16 if cpu::readable(&x) => cpu::wrapped(cpu::blocks::rounded(&cpu::primitive(x))),
        _ => x.cast(dtype),
    }
}
