//! AdamW (Loshchilov and Hutter, 2019) with groups of parameters by pattern, and clipping of the
//! global gradient norm.
//!
//! State is kept by the parameter's path, not by an id of the process, so that it survives one.

use std::collections::BTreeMap;

use flamingo_kernels::{AdamWUpdate, Device, Module, Moments, sum_of_squares};
use flamingo_weights::{NamedTensor, Tensors};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::tree::{Flat, from_disk, map_trained, to_disk, trained_shapes};
use crate::{Error, Result};

/// AdamW's settings and its groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimiserSpec {
    /// Decay of the mean of gradients and of their squares.
    pub betas: [f64; 2],
    /// Added to the root of the latter.
    pub epsilon: f64,
    /// Share of a parameter taken off in each step, times the learning rate. It leaves the resampler
    /// (paper, B.1.2), norms, biases, gains, temperatures and the gates alone, unless a group says
    /// otherwise.
    pub weight_decay: f64,
    /// The gradients of all parameters together are scaled down to this norm; 0 for no clipping.
    pub clip: f64,
    /// Parameters with other settings; the first group whose pattern matches a path holds.
    pub group: Vec<Group>,
}

impl Default for OptimiserSpec {
    /// The paper's: weight decay 0.1, clipped at 1.
    fn default() -> Self {
        Self {
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.1,
            clip: 1.0,
            group: Vec::new(),
        }
    }
}

/// Parameters with settings of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// A regular expression, found anywhere in the parameter's path (`gated.0.alpha_xattn`).
    pub parameters: String,
    /// Times the schedule's learning rate.
    #[serde(default = "one")]
    pub rate: f64,
    /// In place of the optimiser's, also for parameters that it leaves alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// Not trained at all.
    #[serde(default)]
    pub frozen: bool,
}

fn one() -> f64 {
    1.0
}

/// The paths of parameters without weight decay.
const UNDECAYED: &str = r"^resampler\.|norm|bias|gain|logit_scale|alpha|(^|\.)ln_";

/// What holds for one parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Settings {
    rate: f64,
    weight_decay: f64,
}

impl OptimiserSpec {
    /// Which paths are frozen by a group.
    pub(crate) fn frozen(&self) -> Result<impl Fn(&str) -> bool + use<>> {
        let groups = self.compiled()?;
        Ok(move |path: &str| matches(&groups, path).is_some_and(|group| group.frozen))
    }

    fn compiled(&self) -> Result<Vec<(Regex, Group)>> {
        let compile = |group: &Group| {
            let regex = Regex::new(&group.parameters).map_err(|error| {
                Error::contradiction(format!(
                    "optimiser.group.parameters {:?} is no regular expression: {error}",
                    group.parameters
                ))
            })?;
            Ok((regex, group.clone()))
        };
        self.group.iter().map(compile).collect()
    }

    /// The settings of each parameter; every group must match some.
    fn settings<'a>(
        &self,
        paths: impl Iterator<Item = &'a String>,
    ) -> Result<BTreeMap<String, Settings>> {
        let groups = self.compiled()?;
        let undecayed = Regex::new(UNDECAYED).expect("it is a regular expression");
        let settings = paths.map(|path| {
            let group = matches(&groups, path);
            let settings = Settings {
                rate: group.map_or(1.0, |group| group.rate),
                weight_decay: group.and_then(|g| g.weight_decay).unwrap_or(
                    match undecayed.is_match(path) {
                        true => 0.0,
                        false => self.weight_decay,
                    },
                ),
            };
            (path.clone(), settings)
        });
        Ok(settings.collect())
    }

    /// # Errors
    /// If a pattern is found in no path: it is misspelt, and would silently do nothing.
    pub(crate) fn check(&self, paths: &[String]) -> Result<()> {
        for (regex, group) in self.compiled()? {
            if !paths.iter().any(|path| regex.is_match(path)) {
                let some: Vec<&str> = paths.iter().take(5).map(String::as_str).collect();
                return Err(Error::contradiction(format!(
                    "optimiser.group.parameters {:?} is found in no parameter: they are named {}, ...",
                    group.parameters,
                    some.join(", ")
                )));
            }
        }
        Ok(())
    }
}

fn matches<'a>(groups: &'a [(Regex, Group)], path: &str) -> Option<&'a Group> {
    groups
        .iter()
        .find(|(regex, _)| regex.is_match(path))
        .map(|(_, group)| group)
}

/// AdamW at work.
pub struct AdamW {
    spec: OptimiserSpec,
    settings: BTreeMap<String, Settings>,
    /// Means of gradients and of their squares.
    moments: BTreeMap<String, Moments>,
}

impl AdamW {
    /// For the trained parameters of `model`.
    ///
    /// # Errors
    /// If a group's pattern is no regular expression.
    pub fn new<M: Module>(spec: &OptimiserSpec, model: &M) -> Result<Self> {
        let settings = spec.settings(trained_shapes(model).keys())?;
        Ok(Self {
            spec: spec.clone(),
            settings,
            moments: BTreeMap::new(),
        })
    }

    /// The norm of all gradients together.
    pub fn norm(&self, gradients: &Flat) -> f32 {
        let squares = gradients.values().map(|g| sum_of_squares(g.clone()));
        squares.sum::<f64>().sqrt() as f32
    }

    /// One update; `step` counts from 0. The gradients, of norm `norm` together, are scaled down to `clip`.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        mut gradients: Flat,
        norm: f32,
        rate: f64,
        step: u64,
    ) -> M {
        let (clip, norm) = (self.spec.clip, f64::from(norm));
        let scale = match clip > 0.0 && norm > clip {
            true => clip / norm,
            false => 1.0,
        };
        map_trained(model, &mut |path, _, values| {
            let Some(settings) = self.settings.get(path) else {
                return values;
            };
            let gradient = gradients
                .remove(path)
                .unwrap_or_else(|| values.zeros_like());
            let update = AdamWUpdate {
                betas: self.spec.betas,
                epsilon: self.spec.epsilon,
                rate: rate * settings.rate,
                weight_decay: settings.weight_decay,
                scale,
                number: step + 1,
            };
            let (values, moments) = update.apply(values, gradient, self.moments.remove(path));
            self.moments.insert(path.to_owned(), moments);
            values
        })
    }

    /// The state as it is written to disk.
    pub(crate) fn to_disk(&self) -> Vec<NamedTensor> {
        let moment = |which: usize| -> Flat {
            self.moments
                .iter()
                .map(|(path, pair)| (path.clone(), pair[which].clone()))
                .collect()
        };
        let mut tensors = to_disk(&moment(0), "mean.");
        tensors.extend(to_disk(&moment(1), "square."));
        tensors
    }

    /// Takes up the state of a checkpoint.
    pub(crate) fn restore<M: Module>(
        &mut self,
        model: &M,
        tensors: &Tensors,
        device: &Device,
    ) -> Result<()> {
        for (path, shape) in trained_shapes(model) {
            let len = shape.iter().product();
            let mean = from_disk(tensors, &format!("mean.{path}"), len, device)?;
            let square = from_disk(tensors, &format!("square.{path}"), len, device)?;
            self.moments.insert(path, [mean, square]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_kernels::{Init, Linear, Tensor, floats};

    use super::*;
    use crate::tree::{add_gradients, freeze_paths, trained};

    fn linear() -> (Device, Linear) {
        let device = Device::flex().autodiff();
        let linear = Linear::new(3, 2, true, &mut Init::new(5, &device));
        (device, linear)
    }

    fn gradients(linear: &Linear, device: &Device) -> Flat {
        let x = floats(vec![1.0, -2.0, 0.5, 3.0, 0.1, -1.0], [2, 3], device);
        let loss = linear.forward(x).powf_scalar(2.0).sum();
        let mut sum = Flat::new();
        add_gradients(linear, loss.backward(), &mut sum);
        sum
    }

    fn values(tensor: &Tensor<1>) -> Vec<f32> {
        tensor.clone().into_data().try_to_vec().unwrap()
    }

    #[test]
    fn two_steps_are_those_of_the_formula() {
        let (device, mut model) = linear();
        let spec = OptimiserSpec {
            clip: 0.0,
            ..OptimiserSpec::default()
        };
        let mut adam = AdamW::new(&spec, &model).unwrap();
        let mut expected = values(&trained(&model)["weight"]);
        let (mut m, mut v) = (vec![0f64; 6], vec![0f64; 6]);
        for step in 0..2 {
            let gradients = gradients(&model, &device);
            let g = values(&gradients["weight"]);
            for i in 0..6 {
                let g = f64::from(g[i]);
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.999 * v[i] + 0.001 * g * g;
                let (t, p) = ((step + 1) as i32, f64::from(expected[i]));
                let update = m[i]
                    / (1.0 - 0.9f64.powi(t))
                    / ((v[i] / (1.0 - 0.999f64.powi(t))).sqrt() + 1e-8);
                expected[i] = (p * (1.0 - 0.01 * 0.1) - 0.01 * update) as f32;
            }
            model = adam.step(model, gradients, 0.0, 0.01, step);
        }
        for (a, b) in values(&trained(&model)["weight"]).iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }

    #[test]
    fn groups_change_rate_and_decay_and_freeze() {
        let (device, model) = linear();
        let group = |parameters: &str, rate, frozen| Group {
            parameters: parameters.into(),
            rate,
            weight_decay: Some(0.0),
            frozen,
        };
        let spec = OptimiserSpec {
            group: vec![group("^bias$", 0.0, false)],
            ..OptimiserSpec::default()
        };
        let before = trained(&model);
        let mut adam = AdamW::new(&spec, &model).unwrap();
        let after = trained(&adam.step(model.clone(), gradients(&model, &device), 0.0, 0.1, 0));
        assert_eq!(values(&before["bias"]), values(&after["bias"]));
        assert_ne!(values(&before["weight"]), values(&after["weight"]));

        let spec = OptimiserSpec {
            group: vec![group("bias", 1.0, true)],
            ..OptimiserSpec::default()
        };
        let model = freeze_paths(model, &spec.frozen().unwrap());
        assert_eq!(
            gradients(&model, &device).into_keys().collect::<Vec<_>>(),
            ["weight"]
        );
    }

    #[test]
    fn weight_decay_leaves_resampler_norms_and_gates_unless_a_group_says_otherwise() {
        let decay = |spec: &OptimiserSpec, path: &str| {
            let path = path.to_owned();
            spec.settings([&path].into_iter()).unwrap()[&path].weight_decay
        };
        let spec = OptimiserSpec::default();
        for path in [
            "resampler.latents",
            "resampler.layers.0.q.weight",
            "gated.1.norm.weight",
            "gated.1.norm_dense.bias",
            "gated.1.alpha_xattn",
            "vision.vit.transformer.resblocks.0.ln_1.weight",
            "vision.vit.ln_pre.weight",
            "logit_scale",
        ] {
            assert_eq!(decay(&spec, path), 0.0, "{path}");
        }
        for path in [
            "gated.1.q.weight",
            "media_projection.weight",
            "embed.weight",
        ] {
            assert_eq!(decay(&spec, path), 0.1, "{path}");
        }
        let spec = OptimiserSpec {
            group: vec![Group {
                parameters: "^resampler".into(),
                rate: 1.0,
                weight_decay: Some(0.3),
                frozen: false,
            }],
            ..spec
        };
        assert_eq!(decay(&spec, "resampler.latents"), 0.3);
    }

    #[test]
    fn a_pattern_that_is_found_nowhere_is_an_error() {
        let group = Group {
            parameters: "alpah".into(),
            rate: 1.0,
            weight_decay: None,
            frozen: false,
        };
        let spec = OptimiserSpec {
            group: vec![group],
            ..OptimiserSpec::default()
        };
        let message = spec
            .check(&["gated.0.alpha_xattn".into()])
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("alpah") && message.contains("alpha_xattn"),
            "{message}"
        );
    }

    #[test]
    fn clipping_scales_all_gradients_to_the_norm() {
        let (device, model) = linear();
        // A large epsilon makes the update proportional to the gradient.
        let updated = |clip: f64| {
            let spec = OptimiserSpec {
                clip,
                epsilon: 1e4,
                ..OptimiserSpec::default()
            };
            let mut adam = AdamW::new(&spec, &model).unwrap();
            let gradients = gradients(&model, &device);
            let norm = adam.norm(&gradients);
            let before = values(&trained(&model)["bias"]);
            let model = adam.step(model.clone(), gradients, norm, 100.0, 0);
            let after = values(&trained(&model)["bias"]);
            let moved = before.iter().zip(after).map(|(a, b)| f64::from(a - b));
            (f64::from(norm), moved.collect::<Vec<_>>())
        };
        let (norm, whole) = updated(0.0);
        assert!(norm > 0.5);
        let (_, clipped) = updated(0.5);
        for (whole, clipped) in whole.iter().zip(clipped) {
            assert!((whole * 0.5 / norm - clipped).abs() < 1e-3 * whole.abs());
        }
    }

    #[test]
    fn gradients_of_several_losses_are_summed() {
        let (device, model) = linear();
        let once = gradients(&model, &device);
        let mut twice = Flat::new();
        for _ in 0..2 {
            let x = floats(vec![1.0, -2.0, 0.5, 3.0, 0.1, -1.0], [2, 3], &device);
            let loss = model.forward(x).powf_scalar(2.0).sum();
            add_gradients(&model, loss.backward(), &mut twice);
        }
        for (path, gradient) in &once {
            for (a, b) in values(gradient).iter().zip(values(&twice[path])) {
                assert!((2.0 * a - b).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn state_survives_a_process_in_which_parameters_have_other_ids() {
        let (device, model) = linear();
        let mut adam = AdamW::new(&OptimiserSpec::default(), &model).unwrap();
        let model = adam.step(model.clone(), gradients(&model, &device), 0.0, 0.1, 0);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        let f32 = flamingo_kernels::Precision::F32;
        flamingo_weights::write_tensors(&path, &adam.to_disk(), f32).unwrap();

        let (_, fresh) = linear();
        let mut again = AdamW::new(&OptimiserSpec::default(), &fresh).unwrap();
        let tensors = Tensors::open(&[path]).unwrap();
        again.restore(&fresh, &tensors, &Device::flex()).unwrap();
        let one = trained(&adam.step(model.clone(), gradients(&model, &device), 0.0, 0.1, 1));
        let other = trained(&again.step(model.clone(), gradients(&model, &device), 0.0, 0.1, 1));
        assert_eq!(values(&one["weight"]), values(&other["weight"]));
    }
}
