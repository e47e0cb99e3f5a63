//! AdamW (Loshchilov and Hutter, 2019) with groups of parameters by pattern, and clipping of gradients: adaptively, unit
//! by unit, and by the norm of all of them or of a group.
//!
//! State is kept by the parameter's path, not by an id of the process, so that it survives one.

use std::collections::{BTreeMap, BTreeSet};

use flamingo_kernels::{AdamWUpdate, Device, Module, Moments};
use flamingo_weights::{NamedTensor, Tensors};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::tree::{Flat, from_disk, map_trained, to_disk, trained_shapes};
use crate::{Error, Result, clipping};

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
    /// The gradients of all parameters together are scaled down to this norm, but for those of groups that have a `clip` of
    /// their own; 0 for no clipping.
    pub clip: f64,
    /// Adaptive gradient clipping (Brock et al., 2021), before `clip`: the gradient of each unit, that is of what makes one
    /// output, is scaled down to this share of the unit's norm; 0 for none, 0.01 in the paper's contrastive training (appendix
    /// B.1.3). It leaves embeddings, latents, the last layer of a tower or language model, the temperature and gates alone,
    /// unless a group says otherwise.
    #[serde(skip_serializing_if = "is_zero")]
    pub adaptive_clip: f64,
    /// Parameters with other settings; the first group whose pattern matches a path holds.
    pub group: Vec<Group>,
}

impl Default for Group {
    /// All parameters, as the optimiser has them.
    fn default() -> Self {
        Self {
            parameters: String::new(),
            rate: 1.0,
            weight_decay: None,
            clip: None,
            adaptive_clip: None,
            frozen: false,
        }
    }
}

impl Default for OptimiserSpec {
    /// The paper's: weight decay 0.1, clipped at 1.
    fn default() -> Self {
        Self {
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.1,
            clip: 1.0,
            adaptive_clip: 0.0,
            group: Vec::new(),
        }
    }
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
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
    /// The gradients of the group are scaled down to this norm together, apart from all others; 0 for no clipping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// In place of the optimiser's, also for parameters that it leaves alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptive_clip: Option<f64>,
    /// Not trained at all.
    #[serde(default)]
    pub frozen: bool,
}

fn one() -> f64 {
    1.0
}

/// The paths of parameters without weight decay.
const UNDECAYED: &str = r"^resampler\.|norm|bias|gain|logit_scale|alpha|(^|\.)ln_";

/// The paths of parameters that are not clipped adaptively.
const UNADAPTED: &str = r"embed|latents|projection|(^|\.)head\.|\.proj$|logit_scale|alpha_";

/// What holds for one parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Settings {
    rate: f64,
    weight_decay: f64,
    adaptive_clip: f64,
    /// The group with whose gradients it is clipped; none for those of no such group.
    clipped_with: Option<usize>,
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
        let [undecayed, unadapted] = [UNDECAYED, UNADAPTED]
            .map(|pattern| Regex::new(pattern).expect("it is a regular expression"));
        let settings = paths.map(|path| {
            let number = groups.iter().position(|(regex, _)| regex.is_match(path));
            let group = number.map(|number| &groups[number].1);
            // The optimiser's number, but for the parameters that it leaves alone.
            let usual = |left_alone: &Regex, number: f64| match left_alone.is_match(path) {
                true => 0.0,
                false => number,
            };
            let settings = Settings {
                rate: group.map_or(1.0, |group| group.rate),
                weight_decay: group
                    .and_then(|group| group.weight_decay)
                    .unwrap_or_else(|| usual(&undecayed, self.weight_decay)),
                adaptive_clip: group
                    .and_then(|group| group.adaptive_clip)
                    .unwrap_or_else(|| usual(&unadapted, self.adaptive_clip)),
                clipped_with: number.filter(|_| group.is_some_and(|group| group.clip.is_some())),
            };
            (path.clone(), settings)
        });
        Ok(settings.collect())
    }

    /// # Errors
    /// If a pattern is found in no path: it is misspelt, and would silently do nothing.
    pub(crate) fn check(&self, paths: &[String]) -> Result<()> {
        let groups = self.group.iter();
        let ratios = groups.clone().filter_map(|group| group.adaptive_clip);
        let norms = groups.filter_map(|group| group.clip).chain([self.clip]);
        let mut all = ratios
            .chain([self.adaptive_clip])
            .map(|ratio| ("adaptive_clip", ratio))
            .chain(norms.map(|norm| ("clip", norm)));
        if let Some((key, number)) = all.find(|(_, number)| number.is_nan() || *number < 0.0) {
            return Err(Error::contradiction(format!(
                "optimiser: `{key}` is {number}: give 0 for no clipping, or a number above it"
            )));
        }
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
        clipping::norm(gradients.values()) as f32
    }

    /// What the gradients of each group are multiplied by, and those of none, whose number is none; `norm` is that of all
    /// before anything is clipped.
    fn scales(&self, gradients: &Flat, norm: f32) -> BTreeMap<Option<usize>, f64> {
        let settings = self.settings.values();
        let is_plain = settings
            .clone()
            .all(|of| of.adaptive_clip == 0.0 && of.clipped_with.is_none());
        if is_plain {
            let scale = clipping::scale(f64::from(norm), self.spec.clip);
            return BTreeMap::from([(None, scale)]);
        }
        let together = |number: Option<usize>| {
            let most = match number {
                Some(group) => self.spec.group[group].clip.unwrap_or(0.0),
                None => self.spec.clip,
            };
            let own = gradients.iter().filter(|(path, _)| {
                let settings = self.settings.get(*path);
                settings.is_some_and(|settings| settings.clipped_with == number)
            });
            let norm = clipping::norm(own.map(|(_, gradient)| gradient));
            (number, clipping::scale(norm, most))
        };
        let numbers: BTreeSet<_> = settings.map(|settings| settings.clipped_with).collect();
        numbers.into_iter().map(together).collect()
    }

    /// One update; `step` counts from 0. The gradients, of norm `norm` together, are clipped as the groups say.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        mut gradients: Flat,
        norm: f32,
        rate: f64,
        step: u64,
    ) -> M {
        let ratio = |path: &str| self.settings.get(path).map_or(0.0, |of| of.adaptive_clip);
        if self.settings.values().any(|of| of.adaptive_clip > 0.0) {
            clipping::clip_units(&model, &mut gradients, ratio);
        }
        let scales = self.scales(&gradients, norm);
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
                scale: scales[&settings.clipped_with],
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
mod tests;
