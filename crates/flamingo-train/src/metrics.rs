//! The figures of a run, a JSON line every few steps, and the same for TensorBoard.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::tensorboard::{Events, now};
use crate::{Error, Line, Result};

/// `metrics.jsonl` and the event file beside it, open for more lines.
pub(crate) struct Metrics {
    path: PathBuf,
    file: File,
    events: Events,
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
        let events = Events::open(run, &lines)?;
        Ok(Self {
            path,
            file,
            events,
            lines,
        })
    }

    pub(crate) fn push(&mut self, line: Line) -> Result<()> {
        self.events.push(&line)?;
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
            wall_time: now(),
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
