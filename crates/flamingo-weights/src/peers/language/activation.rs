//! Activations by Hugging Face's names.

use flamingo_kernels::Activation;

use crate::Result;
use crate::peers::json::Json;

/// An activation by Hugging Face's name.
pub(super) fn activation(json: &Json, key: &str, default: &str) -> Result<Activation> {
    match json.text(key)?.unwrap_or(default) {
        "gelu" => Ok(Activation::Gelu),
        "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Ok(Activation::GeluTanh),
        "quick_gelu" => Ok(Activation::QuickGelu),
        "relu" => Ok(Activation::Relu),
        "silu" | "swish" => Ok(Activation::Silu),
        other => Err(json.wrong(format!(
            "`{key}` is {other}, the activations that can be read are gelu, gelu_new, quick_gelu, relu, silu"
        ))),
    }
}

/// Hugging Face's name of an activation.
pub(super) fn activation_name(activation: Activation) -> &'static str {
    match activation {
        Activation::Gelu => "gelu",
        Activation::GeluTanh => "gelu_new",
        Activation::QuickGelu => "quick_gelu",
        Activation::Relu => "relu",
        Activation::Relu6 => "relu6",
        Activation::SquaredRelu => "squared_relu",
        Activation::Silu => "silu",
    }
}
