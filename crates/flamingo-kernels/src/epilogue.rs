//! What becomes of a product before anyone else reads it.

use burn::tensor::{DType, Tensor};

use crate::activation::{Activation, add};
use crate::cpu::finish::Finish;
use crate::cpu::{self, FlexTensor};
use crate::widened;

/// What is done to the rows of a product, in this order: where kernels make the product, while its numbers are in
/// the first cache.
#[derive(Debug, Clone, Default)]
pub struct Epilogue {
    /// Added to each row, `[d_output]`.
    pub bias: Option<Tensor<1>>,
    /// Applied to each number.
    pub activation: Option<Activation>,
    /// What the rows are added to, `[n, d_output]`.
    pub stream: Option<Tensor<2>>,
}

impl Epilogue {
    /// By tensor operations.
    pub(crate) fn apply(self, y: Tensor<2>) -> Tensor<2> {
        let y = match self.bias {
            Some(bias) => y + bias.unsqueeze(),
            None => y,
        };
        let y = match self.activation {
            Some(activation) => activation.apply(y),
            None => y,
        };
        match self.stream {
            Some(stream) => add(stream, y),
            None => y,
        }
    }

    /// Whether a kernel whose products are of `dtype` can do it.
    pub(crate) fn fits(&self, dtype: DType) -> bool {
        let (bias, stream) = (self.bias.as_ref(), self.stream.as_ref());
        bias.is_none_or(cpu::readable)
            && stream.is_none_or(|stream| stream.dtype() == dtype && cpu::readable(stream))
    }

    /// As kernels read it.
    ///
    /// # Panics
    /// If it does not fit.
    pub(crate) fn held(self) -> Held {
        Held {
            bias: self.bias.map(|bias| cpu::contiguous(widened(bias))),
            activation: self.activation,
            stream: self.stream.map(cpu::contiguous),
        }
    }
}

/// An epilogue's numbers in memory.
pub(crate) struct Held {
    bias: Option<FlexTensor>,
    activation: Option<Activation>,
    stream: Option<FlexTensor>,
}

impl Held {
    pub(crate) fn finish<N: burn::tensor::Element + bytemuck::Pod>(&self) -> Finish<'_, N> {
        Finish {
            bias: self.bias.as_ref().map(cpu::elements),
            function: self.activation.map(Into::into),
            stream: self.stream.as_ref().map(cpu::elements),
        }
    }
}
