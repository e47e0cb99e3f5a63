//! Where tensors live, chosen at run time from the backends compiled in.

use std::fmt;
use std::str::FromStr;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

/// A kind of device, with its index where there can be several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// This machine's processor; always compiled in.
    Cpu,
    /// An NVIDIA GPU (cargo feature `cuda`).
    Cuda(usize),
    /// A GPU through Vulkan (cargo feature `vulkan`).
    Vulkan(usize),
    /// An Apple GPU (cargo feature `metal`).
    Metal(usize),
}

/// Why a device could not be opened.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum DeviceError {
    /// The name is none that exists.
    #[error(
        "unknown device `{0}`: use one of {1}, with an index such as `cuda:1` where there are several"
    )]
    Unknown(String, String),
    /// The backend exists, but this binary was built without it.
    #[error("device `{0}` is not compiled in (this binary has: {1}): build with `--features {0}`")]
    NotCompiled(String, String),
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Backend::Cpu => write!(f, "cpu"),
            Backend::Cuda(index) => write!(f, "cuda:{index}"),
            Backend::Vulkan(index) => write!(f, "vulkan:{index}"),
            Backend::Metal(index) => write!(f, "metal:{index}"),
        }
    }
}

impl FromStr for Backend {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown(text.to_owned(), names(&available_backends()));
        let (name, index) = text.split_once(':').unwrap_or((text, "0"));
        let index = index.parse().map_err(|_| unknown())?;
        match name {
            "cpu" if index == 0 => Ok(Backend::Cpu),
            "cuda" => Ok(Backend::Cuda(index)),
            "vulkan" => Ok(Backend::Vulkan(index)),
            "metal" => Ok(Backend::Metal(index)),
            _ => Err(unknown()),
        }
    }
}

/// The backends of this binary, the processor first.
pub fn available_backends() -> Vec<Backend> {
    let mut backends = vec![Backend::Cpu];
    if cfg!(feature = "cuda") {
        backends.push(Backend::Cuda(0));
    }
    if cfg!(feature = "vulkan") {
        backends.push(Backend::Vulkan(0));
    }
    if cfg!(feature = "metal") {
        backends.push(Backend::Metal(0));
    }
    backends
}

fn names(backends: &[Backend]) -> String {
    let names: Vec<_> = backends.iter().map(|backend| backend.name()).collect();
    names.join(", ")
}

impl Backend {
    /// The name without an index, as given to `--device`.
    pub fn name(&self) -> &'static str {
        match self {
            Backend::Cpu => "cpu",
            Backend::Cuda(_) => "cuda",
            Backend::Vulkan(_) => "vulkan",
            Backend::Metal(_) => "metal",
        }
    }
}

/// Opens a device for inference; call [`Device::autodiff`] on it for training.
///
/// # Errors
/// [`DeviceError::NotCompiled`] when the binary was built without that backend.
pub fn open_device(backend: Backend) -> Result<Device, DeviceError> {
    match backend {
        Backend::Cpu => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        Backend::Cuda(index) => Ok(Device::cuda(index)),
        #[cfg(feature = "vulkan")]
        Backend::Vulkan(index) => Ok(Device::vulkan(burn::tensor::DeviceKind::DiscreteGpu(index))),
        #[cfg(feature = "metal")]
        Backend::Metal(index) => Ok(Device::metal(burn::tensor::DeviceKind::DiscreteGpu(index))),
        #[allow(unreachable_patterns)]
        other => Err(DeviceError::NotCompiled(
            other.name().to_owned(),
            names(&available_backends()),
        )),
    }
}

/// The floating-point type in which weights are kept and products computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit; the only one that is fast on processors without AMX.
    #[default]
    F32,
    /// bfloat16.
    Bf16,
    /// IEEE half precision.
    F16,
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "f32" => Ok(Precision::F32),
            "bf16" => Ok(Precision::Bf16),
            "f16" => Ok(Precision::F16),
            _ => Err(format!("unknown precision `{text}`: use f32, bf16 or f16")),
        }
    }
}

impl Precision {
    /// The framework's name of the type.
    pub fn dtype(self) -> DType {
        match self {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::BF16,
            Precision::F16 => DType::F16,
        }
    }

    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::Bf16 | Precision::F16 => 2,
        }
    }

    /// Casts every float parameter of `module`.
    pub fn cast<M: Module>(self, module: M) -> M {
        struct Cast(DType);
        impl ModuleMapper for Cast {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|tensor| tensor.cast(self.0))
            }
        }
        module.map(&mut Cast(self.dtype()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_round_trip_and_unknown_ones_say_what_exists() {
        for text in ["cpu", "cuda:1", "vulkan:0", "metal:2"] {
            assert_eq!(
                text.parse::<Backend>().map(|b| b.to_string()).as_deref(),
                Ok(text)
            );
        }
        let error = "tpu"
            .parse::<Backend>()
            .expect_err("no such device")
            .to_string();
        assert!(error.contains("`tpu`") && error.contains("cpu"), "{error}");
        assert!("cuda:x".parse::<Backend>().is_err());
    }

    #[test]
    fn the_processor_is_always_there() {
        assert!(open_device(Backend::Cpu).is_ok());
    }
}
