//! A benchmark's score.

use std::fmt;

use serde::Serialize;

use crate::ids::Matching;
use crate::task::Task;

/// A benchmark's score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// The benchmark.
    pub task: Task,
    /// Metrics by name, the headline first. Per cent where the benchmark publishes per cent.
    pub metrics: Vec<Metric>,
    /// How predictions and annotations match.
    pub matching: Matching,
    /// What to know of the figures.
    pub notes: Vec<String>,
}

/// A metric's value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its value; none where it has none.
    pub value: Option<f64>,
}

impl Scored {
    pub(super) fn new(task: Task, matching: Matching) -> Self {
        Self {
            task,
            metrics: Vec::new(),
            matching,
            notes: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, name: impl Into<String>, value: impl Into<Option<f64>>) {
        self.metrics.push(Metric {
            name: name.into(),
            value: value.into(),
        });
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
