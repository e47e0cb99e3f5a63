//! Layer normalisation (Ba et al., 2016) and its root-mean-square form (Zhang and Sennrich, 2019).

use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};
use serde::{Deserialize, Serialize};

use crate::Init;

/// Which normalisation a model uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormKind {
    /// Subtract the mean, divide by the standard deviation, scale and shift.
    LayerNorm,
    /// The same without the shift.
    LayerNormNoBias,
    /// Divide by the root mean square, scale.
    RmsNorm,
}

/// A normalisation over the last axis.
#[derive(Module, Debug)]
pub struct Norm {
    /// Scale, `[d]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[d]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    centred: bool,
    #[module(skip)]
    epsilon: f64,
}

impl Norm {
    /// Scale 1, shift 0.
    pub fn new(kind: NormKind, d: usize, epsilon: f64, init: &mut Init) -> Self {
        let bias = (kind == NormKind::LayerNorm).then(|| init.full([d], 0.0));
        Self {
            weight: init.full([d], 1.0),
            bias,
            centred: kind != NormKind::RmsNorm,
            epsilon,
        }
    }

    /// LayerNorm with bias and `epsilon` 1e-5, as most models have it.
    pub fn layer(d: usize, init: &mut Init) -> Self {
        Self::new(NormKind::LayerNorm, d, 1e-5, init)
    }

    /// # Shapes
    /// - `x` and output: `[..., d]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        // Squares and their sums leave the range of half-precision numbers.
        let dtype = x.dtype();
        let (x, weight) = (x.cast(DType::F32), self.weight.val().cast(DType::F32));
        let y = if self.centred {
            let bias = self.bias.as_ref().map(|bias| bias.val().cast(DType::F32));
            burn::tensor::module::layer_norm(x, weight, bias, self.epsilon)
        } else {
            let mean_square = (x.clone() * x.clone()).mean_dim(D - 1);
            x * (mean_square + self.epsilon).sqrt().recip() * weight.unsqueeze()
        };
        y.cast(dtype)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, floats};

    fn forward(kind: NormKind, values: &[f32]) -> Vec<f32> {
        let device = Device::flex();
        let norm = Norm::new(kind, values.len(), 0.0, &mut Init::new(0, &device));
        let x = floats(values.to_vec(), [1, 1, values.len()], &device);
        norm.forward(x).into_data().try_to_vec().expect("f32")
    }

    #[test]
    fn layer_norm_has_mean_zero_and_variance_one() {
        assert_eq!(forward(NormKind::LayerNorm, &[1.0, 3.0]), [-1.0, 1.0]);
        assert_eq!(forward(NormKind::LayerNormNoBias, &[1.0, 3.0]), [-1.0, 1.0]);
    }

    #[test]
    fn rms_norm_does_not_subtract_the_mean() {
        let values = forward(NormKind::RmsNorm, &[1.0, 7.0]);
        assert!(
            (values[0] - 0.2).abs() < 1e-6 && (values[1] - 1.4).abs() < 1e-6,
            "{values:?}"
        );
    }
}
