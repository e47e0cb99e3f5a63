//! What stops a benchmark's files from being read or scored.

use std::path::PathBuf;

use flamingo_metrics::MetricError;

use crate::benchmark::Benchmark;
use crate::ids::Matching;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// A file that cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file that is in another form.
    #[error("{path}: {reason}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is other than it should be, where, and what it should be.
        reason: String,
    },
    /// Predictions that are not of exactly the annotated items.
    #[error(
        "predictions and annotations do not match: {0}; mend them, or score the part that matches (--partial)"
    )]
    Mismatch(Box<Matching>),
    /// Something that a benchmark's score needs was not given.
    #[error("{task} needs {what}")]
    Needs {
        /// The benchmark.
        task: Benchmark,
        /// What to give.
        what: String,
    },
    /// A task cannot do what was asked of it.
    #[error("{task}: {reason}")]
    Task {
        /// The task.
        task: String,
        /// Why, and what to do.
        reason: String,
    },
    /// No score.
    #[error(transparent)]
    Metric(#[from] MetricError),
}

impl TaskError {
    /// The reason alone, where a file's name is known from elsewhere.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Form { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }
}

/// A result, or why there is none.
pub type Result<T, E = TaskError> = std::result::Result<T, E>;
