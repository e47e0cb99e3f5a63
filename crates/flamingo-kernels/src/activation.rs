//! The activations of the models.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

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
    /// `max(x, 0)^2` (So et al., 2021; Flamingo's resampler and gated layers).
    SquaredRelu,
    /// `x sigmoid(x)`.
    Silu,
}

impl Activation {
    /// Applies the function to every element.
    pub fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Activation::Gelu => activation::gelu(x),
            Activation::GeluTanh => activation::gelu_approximate(x),
            Activation::QuickGelu => activation::sigmoid(x.clone() * 1.702) * x,
            Activation::Relu => activation::relu(x),
            Activation::SquaredRelu => {
                let positive = activation::relu(x);
                positive.clone() * positive
            }
            Activation::Silu => activation::silu(x),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, floats};

    #[test]
    fn values_at_one_and_minus_one_are_those_of_the_definitions() {
        let expected = [
            (Activation::Gelu, 0.841_344_7, -0.158_655_3),
            (Activation::GeluTanh, 0.841_192, -0.158_808),
            (Activation::QuickGelu, 0.845_795_8, -0.154_204_2),
            (Activation::Relu, 1.0, 0.0),
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
}
