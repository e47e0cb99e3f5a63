//! The benchmarks' own files: what is asked and shown in them, what of them is there, and the score of anyone's
//! predictions.
//!
//! A [`Task`] reads supports and queries ([`Examples`]), makes prompts of them ([`Prompt`]), judges answers and writes
//! them in the benchmark's form of submission; [`task`] finds it by name. [`score`] reads predictions and annotations,
//! matches them by id, and computes the metrics of the benchmark ([`flamingo_metrics`]). What does not match is told by
//! name and counted, and refused unless a part is asked for. [`check_data`] says which of a benchmark's files a folder
//! holds.

mod answer;
mod benchmark;
mod check;
mod counted;
mod data;
mod entries;
mod error;
mod example;
mod ids;
mod judge;
mod media;
mod npy;
mod pair;
mod prompt;
mod prompts;
mod read;
mod sample;
mod score;
mod stems;
mod submission;
mod task;
mod tasks;

pub use answer::{Answered, Output, Submission};
pub use benchmark::{Benchmark, UnknownTask};
pub use check::{DataReport, Found, Reading, SetReading, check_data};
pub use counted::counted;
pub use data::DataFolder;
pub use error::{Result, TaskError};
pub use example::{Dropped, Example, Examples, References, Set, Span, VqaReferences};
pub use ids::{Id, Matching, Names};
pub use prompt::{Likelihood, Preset, Prompt, Shown};
pub use score::{Judged, Metric, SampleScore, ScoreOptions, Scored, VqaVersion, score};
pub use stems::Stems;
pub use task::{Protocol, ReadOptions, Supports, Task};
pub use tasks::{Folder, Own, OwnMetric, task, task_names};
