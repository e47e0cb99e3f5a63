//! The benchmarks' own files: what is there of a benchmark, and the score of anyone's predictions in the
//! benchmark's form of submission.
//!
//! [`score`] reads predictions and annotations, matches them by id, and computes the metrics of the
//! benchmark ([`flamingo_metrics`]). What does not match is told by name and counted, and refused unless a part
//! is asked for. [`check_data`] says which of a benchmark's files a folder holds.

mod check;
mod error;
mod ids;
mod npy;
mod pair;
mod read;
mod score;
mod task;

pub use check::{DataReport, Found, check_data};
pub use error::{Result, TaskError};
pub use ids::{Id, Matching, Names};
pub use score::{Metric, ScoreOptions, Scored, VqaVersion, score};
pub use task::{Task, UnknownTask};
