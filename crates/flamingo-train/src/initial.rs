//! Changes to the first values of parameters.

use flamingo_kernels::{Module, Param, Tensor};
use flamingo_model::LanguageModel;
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::tree::{map_trained, trained_shapes};
use crate::{Error, Result};

/// Changes to the first values of parameters; none by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InitialSpec {
    /// Of a language model: its attention starts near the one of trained models (Trockman and
    /// Kolter, 2023): keys like queries to this share (0 to 1, `k = s q + sqrt(1 - s^2) k`), the
    /// output like the transposed values (`out = 0.7 v^T`). Copying from the context is learnt many
    /// steps earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mimetic: Option<f64>,
    /// Parameters multiplied by a number.
    pub scale: Vec<ScaleSpec>,
}

/// Parameters multiplied by a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleSpec {
    /// A regular expression, found anywhere in the parameter's path.
    pub parameters: String,
    /// The number.
    pub by: f64,
}

/// What the transposed values are multiplied by.
const OUTPUT_SHARE: f64 = 0.7;

impl InitialSpec {
    /// Whether a parameter is to be scaled.
    pub(crate) fn changes(&self, path: &str) -> bool {
        let found = |scale: &ScaleSpec| {
            Regex::new(&scale.parameters).is_ok_and(|regex| regex.is_match(path))
        };
        self.scale.iter().any(found)
    }

    /// The model with its parameters scaled.
    ///
    /// # Errors
    /// If a pattern is no regular expression, or is found in no parameter.
    pub(crate) fn scaled<M: Module>(&self, mut model: M) -> Result<M> {
        let shapes = trained_shapes(&model);
        for scale in &self.scale {
            let wrong = |what: String| {
                Error::contradiction(format!(
                    "initial.scale.parameters {:?} {what}",
                    scale.parameters
                ))
            };
            let regex = Regex::new(&scale.parameters)
                .map_err(|error| wrong(format!("is no regular expression: {error}")))?;
            if !shapes.keys().any(|path| regex.is_match(path)) {
                let some: Vec<&str> = shapes.keys().take(5).map(String::as_str).collect();
                return Err(wrong(format!(
                    "is found in no parameter: they are {}, ...",
                    some.join(", ")
                )));
            }
            model = map_trained(model, &mut |path, _, values| {
                regex.is_match(path).then(|| values * scale.by)
            });
        }
        Ok(model)
    }

    /// The language model with its attention as `mimetic` says.
    ///
    /// # Errors
    /// If the share is not within 0 to 1, or the heads are grouped.
    pub(crate) fn mimetic(&self, mut model: LanguageModel) -> Result<LanguageModel> {
        let Some(share) = self.mimetic else {
            return Ok(model);
        };
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::contradiction(format!(
                "initial.mimetic is {share}, not within 0 to 1"
            )));
        }
        let config = model.config();
        if config.heads != config.key_value_heads {
            return Err(Error::contradiction(format!(
                "initial.mimetic needs as many key_value_heads as heads, there are {} and {}",
                config.key_value_heads, config.heads
            )));
        }
        for layer in &mut model.layers {
            let attention = &mut layer.attention;
            let weight = |param: &Param<Tensor<2>>| param.val().inner();
            let [q, k, v] = [&attention.q, &attention.k, &attention.v].map(|l| weight(&l.weight));
            let near = k * (1.0 - share * share).sqrt() + q * share;
            attention.k.weight = renewed(&attention.k.weight, near);
            attention.out.weight = renewed(&attention.out.weight, v.transpose() * OUTPUT_SHARE);
        }
        Ok(model)
    }
}

fn renewed(param: &Param<Tensor<2>>, values: Tensor<2>) -> Param<Tensor<2>> {
    Param::initialized(param.id, Tensor::from_inner(values))
        .set_require_grad(param.is_require_grad())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_kernels::{Device, Init};
    use flamingo_model::LanguageConfig;
    use flamingo_model::language::QueryKeyNorm;

    use super::*;

    fn model() -> LanguageModel {
        let config = LanguageConfig {
            vocabulary: 13,
            ..LanguageConfig::mpt(6, 2, 3, QueryKeyNorm::None)
        };
        LanguageModel::new(&config, &mut Init::new(3, &Device::flex().autodiff()))
    }

    fn values(param: &Param<Tensor<2>>) -> Vec<f32> {
        param.val().into_data().try_to_vec().unwrap()
    }

    #[test]
    fn a_mimetic_attention_has_keys_like_queries_and_outputs_like_values_transposed() {
        let spec = InitialSpec {
            mimetic: Some(1.0),
            ..InitialSpec::default()
        };
        let model = spec.mimetic(model()).unwrap();
        let attention = &model.layers[1].attention;
        assert_eq!(values(&attention.k.weight), values(&attention.q.weight));
        let (v, out) = (values(&attention.v.weight), values(&attention.out.weight));
        assert!((out[1] - 0.7 * v[6]).abs() < 1e-7);
        assert!(attention.k.weight.is_require_grad());
    }

    #[test]
    fn parameters_are_scaled_by_pattern_and_a_wrong_pattern_is_an_error() {
        let scale = |parameters: &str| InitialSpec {
            mimetic: None,
            scale: vec![ScaleSpec {
                parameters: parameters.into(),
                by: 4.0,
            }],
        };
        let (before, after) = (model(), scale("^embed").scaled(model()).unwrap());
        let (a, b) = (values(&before.embed.weight), values(&after.embed.weight));
        assert!(a.iter().zip(b).all(|(a, b)| (4.0 * a - b).abs() < 1e-6));
        assert!(scale("embedding").scaled(model()).is_err());
    }
}
