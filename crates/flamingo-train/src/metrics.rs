//! The figures of a run, a JSON line every few steps.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Means over what the steps since the last line were about: each target counts once, however many
/// its batch has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Updates so far.
    pub step: u64,
    /// Mean loss of each source, in nats a target.
    pub losses: BTreeMap<String, f64>,
    /// Share of pictures that found their own text, by source, where that is counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accuracies: BTreeMap<String, f64>,
    /// Mean loss of each source's held-out samples, in nats a target, where they were looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held_out: BTreeMap<String, f64>,
    /// Share of these samples of which every target is the likeliest token.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exact: BTreeMap<String, f64>,
    /// Learning rate of the last step.
    pub rate: f64,
    /// Norm of all gradients before clipping.
    pub norm: f64,
    /// `tanh` of each gate after the last step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<String, f64>,
    /// Targets (tokens predicted, pictures told apart) a second.
    pub targets_per_second: f64,
    /// Since the run, or its last resumption, began its first step.
    pub seconds: f64,
}

/// `metrics.jsonl`, open for more lines.
pub(crate) struct Metrics {
    path: PathBuf,
    file: File,
    pub(crate) lines: Vec<Line>,
}

impl Metrics {
    /// Opens the file of a run that has had `step` updates: lines beyond it are dropped, for they
    /// will be written again.
    pub(crate) fn open(run: &Path, step: u64) -> Result<Self> {
        let path = run.join("metrics.jsonl");
        let text = match path.exists() {
            true => fs::read_to_string(&path).map_err(Error::io("read", &path))?,
            false => String::new(),
        };
        let lines: Vec<Line> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Line| line.step <= step)
            .collect();
        let kept: String = lines.iter().map(to_json).collect();
        flamingo_files::write(&path, kept.as_bytes())?;
        let file = OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        Ok(Self { path, file, lines })
    }

    pub(crate) fn push(&mut self, line: Line) -> Result<()> {
        self.file
            .write_all(to_json(&line).as_bytes())
            .map_err(Error::io("write", &self.path))?;
        self.lines.push(line);
        Ok(())
    }
}

fn to_json(line: &Line) -> String {
    serde_json::to_string(line).expect("figures can be written") + "\n"
}

/// Collects the steps of one line.
#[derive(Default)]
pub(crate) struct Means {
    losses: BTreeMap<String, (f64, u64)>,
    accuracies: BTreeMap<String, (f64, u64)>,
    norm: (f64, u64),
    targets: usize,
}

impl Means {
    /// Adds a batch: its mean loss and accuracy, and how many targets they are means over.
    pub(crate) fn add(&mut self, source: &str, loss: f32, accuracy: Option<f64>, targets: usize) {
        let add = |means: &mut BTreeMap<String, (f64, u64)>, value: f64| {
            let mean = means.entry(source.to_owned()).or_default();
            *mean = (mean.0 + value * targets as f64, mean.1 + targets as u64);
        };
        add(&mut self.losses, f64::from(loss));
        if let Some(accuracy) = accuracy {
            add(&mut self.accuracies, accuracy);
        }
        self.targets += targets;
    }

    pub(crate) fn add_norm(&mut self, norm: f32) {
        self.norm = (self.norm.0 + f64::from(norm), self.norm.1 + 1);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.norm.1 == 0
    }

    /// The line, but for what is read at its end; `seconds` since the last line.
    pub(crate) fn line(self, step: u64, seconds: f64) -> Line {
        let mean = |(sum, count): (f64, u64)| sum / count.max(1) as f64;
        let means = |map: BTreeMap<String, (f64, u64)>| {
            map.into_iter()
                .map(|(name, sum)| (name, mean(sum)))
                .collect()
        };
        Line {
            step,
            losses: means(self.losses),
            accuracies: means(self.accuracies),
            norm: mean(self.norm),
            targets_per_second: self.targets as f64 / seconds.max(1e-9),
            ..Line::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_means_over_targets_not_over_steps() {
        let mut means = Means::default();
        means.add("pages", 2.0, None, 3);
        means.add("pages", 7.0, None, 1);
        means.add("pairs", 0.5, Some(0.25), 6);
        means.add("pairs", 0.5, Some(1.0), 2);
        means.add_norm(1.0);
        means.add_norm(3.0);
        let line = means.line(2, 3.0);
        assert_eq!(line.losses["pages"], 13.0 / 4.0);
        assert_eq!(line.losses["pairs"], 0.5);
        assert_eq!(line.accuracies["pairs"], 3.5 / 8.0);
        assert_eq!((line.norm, line.targets_per_second), (2.0, 4.0));
    }
}
