//! A benchmark's score.

use std::fmt;

use serde::Serialize;

use super::judged::{Judged, Metric};
use crate::benchmark::Benchmark;
use crate::ids::Matching;

/// A benchmark's score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// The benchmark.
    pub task: Benchmark,
    /// Metrics by name, the headline first. Per cent where the benchmark publishes per cent.
    pub metrics: Vec<Metric>,
    /// How predictions and annotations match.
    pub matching: Matching,
    /// What to know of the figures.
    pub notes: Vec<String>,
}

impl Scored {
    /// The figures of what matched.
    pub(super) fn new(task: Benchmark, matching: Matching, judged: Judged) -> Self {
        Self {
            task,
            metrics: judged.metrics,
            matching,
            notes: judged.notes,
        }
    }
}

impl fmt::Display for Scored {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let width = self
            .metrics
            .iter()
            .map(|metric| metric.name.chars().count())
            .max();
        let width = width.unwrap_or(0).max("scored".len());
        for Metric { name, value } in &self.metrics {
            match value {
                Some(value) => writeln!(f, "{name:width$}  {value:.4}")?,
                None => writeln!(f, "{name:width$}  none")?,
            }
        }
        write!(
            f,
            "{:width$}  {} of {}",
            "scored", self.matching.scored, self.matching.annotated
        )?;
        if !self.matching.is_whole() {
            write!(f, "\nnote: {}", self.matching)?;
        }
        for note in &self.notes {
            write!(f, "\nnote: {note}")?;
        }
        Ok(())
    }
}
