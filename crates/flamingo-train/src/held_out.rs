//! Samples that are never trained on: they tell when a training has learnt what it can, and what it is worth.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use flamingo_data::stream;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Which share of the samples is held out, and what becomes of a training that gets no better on them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOutSpec {
    /// The share of each class; samples that say the same are a class, and those that nothing else says what they do are
    /// one together.
    pub share: f64,
    /// They are looked at before the first step, after so many steps each, and at the end.
    pub every: u64,
    /// The training ends after so many looks in a row that are not the best; 0 for never. The best weights are what it
    /// gives in any case.
    #[serde(default = "patience")]
    pub patience: u64,
}

fn patience() -> u64 {
    5
}

/// What a look at the held-out samples of a source gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Look {
    /// Mean loss of a target.
    pub(crate) loss: f64,
    /// The share of samples of which every target is the likeliest token: what greedy decoding writes word for word.
    pub(crate) exact: f64,
}

/// Samples of a source on both sides, each rising.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) trained: Vec<usize>,
    pub(crate) held_out: Vec<usize>,
}

/// How the samples of a source were split, in `held-out.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOutReport {
    /// How many samples are trained on.
    pub trained: usize,
    /// The ids of those that are not.
    pub held_out: Vec<String>,
    /// How many of these the frozen encoder tells apart by the nearest class mean, where the samples are of classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest_class_mean: Option<usize>,
}

const REPORT: &str = "held-out.json";

impl HeldOutReport {
    /// Those of a run, by source.
    ///
    /// # Errors
    /// If the run has held nothing out.
    pub fn read(run: &Path) -> Result<BTreeMap<String, Self>> {
        let path = run.join(REPORT);
        let json = std::fs::read(&path).map_err(Error::io("read", &path))?;
        serde_json::from_slice(&json).map_err(|error| Error::Run {
            folder: path,
            problem: error.to_string(),
        })
    }

    pub(crate) fn write(run: &Path, reports: &BTreeMap<String, Self>) -> Result<()> {
        let json = serde_json::to_vec_pretty(reports).expect("names and numbers can be written");
        Ok(flamingo_files::write(&run.join(REPORT), &json)?)
    }
}

impl HeldOutSpec {
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { share, every, .. } = *self;
        match share > 0.0 && share < 1.0 && every > 0 {
            true => Ok(()),
            false => Err(format!(
                "held_out.share is {share} and held_out.every {every}: the share is between 0 and 1, every at least 1"
            )),
        }
    }

    /// Whether the held-out samples are looked at after this step.
    pub(crate) fn looks(&self, step: u64, steps: u64) -> bool {
        step.is_multiple_of(self.every) || step == steps
    }
}

/// Splits the samples of a source: `says` are their texts, `shows` their media. Samples that show the same picture stand
/// on the same side, that of the training.
pub(crate) fn split(says: &[String], shows: &[Vec<usize>], share: f64, seed: u64) -> Split {
    let mut classes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (sample, text) in says.iter().enumerate() {
        classes.entry(text).or_default().push(sample);
    }
    let (several, alone): (Vec<_>, Vec<_>) =
        classes.into_values().partition(|class| class.len() > 1);
    let alone: Vec<usize> = alone.into_iter().flatten().collect();
    let mut rng = stream(seed, "held out", &[]);
    let mut is_held_out = vec![false; says.len()];
    for mut class in several.into_iter().chain([alone]) {
        if class.len() < 2 {
            continue;
        }
        class.shuffle(&mut rng);
        let count = (share * class.len() as f64).round() as usize;
        for &sample in &class[..count.clamp(1, class.len() - 1)] {
            is_held_out[sample] = true;
        }
    }
    let shown: HashSet<usize> = (0..says.len())
        .filter(|sample| !is_held_out[*sample])
        .flat_map(|sample| shows[sample].iter().copied())
        .collect();
    let (held_out, trained) = (0..says.len()).partition(|&sample| {
        is_held_out[sample] && !shows[sample].iter().any(|item| shown.contains(item))
    });
    Split { trained, held_out }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn says(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    fn own(samples: usize) -> Vec<Vec<usize>> {
        (0..samples).map(|sample| vec![sample]).collect()
    }

    #[test]
    fn each_class_gives_its_share_and_samples_that_nothing_else_is_like_give_theirs_together() {
        let texts = says("aaaaabbbbbbbbbbcdefg");
        let split = split(&texts, &own(20), 0.4, 3);
        let count = |range: std::ops::Range<usize>| {
            split.held_out.iter().filter(|s| range.contains(s)).count()
        };
        assert_eq!([count(0..5), count(5..15), count(15..20)], [2, 4, 2]);
        assert_eq!(split.trained.len() + split.held_out.len(), 20);
        assert_eq!(split, super::split(&texts, &own(20), 0.4, 3));
        assert_ne!(split, super::split(&texts, &own(20), 0.4, 4));
    }

    #[test]
    fn a_class_of_two_has_one_on_each_side_and_a_sample_alone_is_trained_on() {
        let split = split(&says("aabbc"), &own(5), 0.01, 0);
        assert_eq!(split.held_out.len(), 2);
        assert!(split.trained.contains(&4));
    }

    #[test]
    fn a_picture_that_is_there_twice_is_never_on_both_sides() {
        // All show one picture but the last two.
        let shows: Vec<Vec<usize>> = [0, 0, 0, 0, 1, 2].map(|item| vec![item]).to_vec();
        for seed in 0..20 {
            let split = split(&says("aaaaaa"), &shows, 0.5, seed);
            assert!(
                split.held_out.iter().all(|sample| *sample >= 4),
                "{split:?}"
            );
        }
    }
}
