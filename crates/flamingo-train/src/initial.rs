//! Changes to the first values of parameters.

use flamingo_kernels::{Module, Param, Tensor, recorded_on};
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
    /// How a Flamingo's resampler begins, if not at random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resampler: Option<ResamplerStart>,
    /// Parameters that are one number at first: gates that are open, on outputs that `scale` makes 0, learn
    /// sooner than gates that are closed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fill: Vec<FillSpec>,
    /// Parameters multiplied by a number.
    pub scale: Vec<ScaleSpec>,
}

/// How a resampler begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResamplerStart {
    /// As the mean of the principal components of the encoder's features of the run's pictures.
    Components,
}

/// Parameters that are one number at first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FillSpec {
    /// A regular expression, found anywhere in the parameter's path.
    pub parameters: String,
    /// The number.
    pub with: f64,
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
    /// Whether a parameter is to be filled or scaled.
    pub(crate) fn changes(&self, path: &str) -> bool {
        let filled = self.fill.iter().map(|fill| &fill.parameters);
        let scaled = self.scale.iter().map(|scale| &scale.parameters);
        let found = |pattern: &String| Regex::new(pattern).is_ok_and(|regex| regex.is_match(path));
        filled.chain(scaled).any(found)
    }

    /// The model with its parameters filled, then scaled.
    ///
    /// # Errors
    /// If a pattern is no regular expression, or is found in no parameter.
    pub(crate) fn changed<M: Module>(&self, mut model: M) -> Result<M> {
        let paths: Vec<String> = trained_shapes(&model).into_keys().collect();
        for fill in &self.fill {
            let regex = found_in("fill", &fill.parameters, &paths)?;
            model = map_trained(model, &mut |path, _, values| match regex.is_match(path) {
                true => values.full_like(fill.with),
                false => values,
            });
        }
        for scale in &self.scale {
            let regex = found_in("scale", &scale.parameters, &paths)?;
            model = map_trained(model, &mut |path, _, values| match regex.is_match(path) {
                true => values * scale.by,
                false => values,
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

/// The pattern of `initial.{key}`, which is found in one of `paths`.
fn found_in(key: &str, pattern: &str, paths: &[String]) -> Result<Regex> {
    let wrong =
        |what: String| Error::contradiction(format!("initial.{key}.parameters {pattern:?} {what}"));
    let regex =
        Regex::new(pattern).map_err(|error| wrong(format!("is no regular expression: {error}")))?;
    if paths.iter().any(|path| regex.is_match(path)) {
        return Ok(regex);
    }
    let some: Vec<&str> = paths.iter().take(5).map(String::as_str).collect();
    Err(wrong(format!(
        "is found in no parameter: they are {}, ...",
        some.join(", ")
    )))
}

fn renewed(param: &Param<Tensor<2>>, values: Tensor<2>) -> Param<Tensor<2>> {
    let values = recorded_on(values, &param.lazy_device());
    Param::initialized(param.id, values).set_require_grad(param.is_require_grad())
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
            scale: vec![ScaleSpec {
                parameters: parameters.into(),
                by: 4.0,
            }],
            ..InitialSpec::default()
        };
        let (before, after) = (model(), scale("^embed").changed(model()).unwrap());
        let (a, b) = (values(&before.embed.weight), values(&after.embed.weight));
        assert!(a.iter().zip(b).all(|(a, b)| (4.0 * a - b).abs() < 1e-6));
        assert!(scale("embedding").changed(model()).is_err());
    }

    #[test]
    fn parameters_are_filled_before_they_are_scaled_and_a_fill_that_is_found_nowhere_is_an_error() {
        let fill = |parameters: &str| InitialSpec {
            fill: vec![FillSpec {
                parameters: parameters.into(),
                with: 0.5,
            }],
            scale: vec![ScaleSpec {
                parameters: "^embed".into(),
                by: 3.0,
            }],
            ..InitialSpec::default()
        };
        let (before, after) = (model(), fill("^embed").changed(model()).unwrap());
        assert!(values(&after.embed.weight).iter().all(|v| *v == 1.5));
        assert!(after.embed.weight.is_require_grad());
        let out = |model: &LanguageModel| values(&model.layers[0].attention.out.weight);
        assert_eq!(out(&before), out(&after));
        let told = fill("alpha").changed(model()).unwrap_err().to_string();
        assert!(
            told.contains("initial.fill.parameters \"alpha\" is found in no parameter"),
            "{told}"
        );
    }
}
