//! What a task is: its protocol, its prompts, how its files are read, and how answers are judged and handed in.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::answer::{Answered, Submission};
use crate::benchmark::{Benchmark, UnknownTask};
use crate::data::DataFolder;
use crate::error::{Result, TaskError};
use crate::example::{Examples, Set};
use crate::ids::Id;
use crate::judge::judge;
use crate::prompt::{Preset, Prompt};
use crate::sample::{drawn, drawn_by_class, limited};
use crate::score::{Judged, ScoreOptions};

/// A task: a benchmark, or a user's own.
pub trait Task: fmt::Debug + Send + Sync {
    /// The benchmark whose files it reads, if it is one.
    fn benchmark(&self) -> Option<Benchmark>;

    /// The name on the command line.
    fn name(&self) -> &'static str;

    /// The paper's protocol: splits, supports, shots, metric.
    fn protocol(&self) -> Protocol;

    /// A prompt by its preset.
    fn prompt(&self, preset: Preset) -> Prompt;

    /// Reads supports and queries. What cannot be used is counted by reason and named, and part of the result.
    ///
    /// # Errors
    ///
    /// A file that has to be there is not, or is not of its form at all; a split that is not known.
    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples>;

    /// The metrics of answers, and what each of them is worth.
    ///
    /// # Errors
    ///
    /// No answers, answers of a split without published references, or a resource that the metric needs.
    fn judge(&self, answered: &[Answered], options: &ScoreOptions) -> Result<Judged> {
        judge(self.name(), self.benchmark(), answered, options)
    }

    /// Answers in the benchmark's form of submission, whole: what was not answered is filled in and counted.
    ///
    /// # Errors
    ///
    /// The task has no form of submission, or an answer is not of its kind.
    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission>;
}

/// The paper's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Protocol {
    /// The name of the first metric.
    pub metric: &'static str,
    /// What its splits are called. The first is the default: the paper's, or the nearest with published answers.
    pub splits: &'static [&'static str],
    /// The split that the paper scores.
    pub paper_split: &'static str,
    /// How many supports are drawn.
    pub supports: Supports,
    /// Numbers of shots.
    pub shots: &'static [usize],
    /// Whether the answer is chosen from candidates.
    pub close_ended: bool,
}

/// How many supports are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Supports {
    /// So many.
    All(usize),
    /// So many of each class.
    EachClass(usize),
    /// None: there are no shots.
    None,
}

impl Protocol {
    /// The paper's shots.
    pub const SHOTS: &'static [usize] = &[0, 4, 8, 16, 32];

    /// A free answer, 2,048 supports, the paper's shots.
    pub(crate) const fn open(
        metric: &'static str,
        splits: &'static [&'static str],
        paper_split: &'static str,
    ) -> Self {
        Self {
            metric,
            splits,
            paper_split,
            supports: Supports::All(2_048),
            shots: Self::SHOTS,
            close_ended: false,
        }
    }

    /// The same with candidates.
    pub(crate) const fn close(
        metric: &'static str,
        splits: &'static [&'static str],
        paper_split: &'static str,
    ) -> Self {
        Self {
            close_ended: true,
            ..Self::open(metric, splits, paper_split)
        }
    }
}

/// What is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The split of the queries; the protocol's first if none is named.
    pub split: Option<String>,
    /// How many supports, of classification of each class; the protocol's number if none is named.
    pub supports: Option<usize>,
    /// Which supports are drawn.
    pub seed: u64,
    /// So many queries, spread over all of them and the same for every seed; all if none is named.
    pub limit: Option<usize>,
    /// A file or folder of supports, for a user's own task whose supports are elsewhere.
    pub supports_at: Option<PathBuf>,
}

impl ReadOptions {
    /// The split to read.
    ///
    /// # Errors
    ///
    /// It is none of the task's.
    pub(crate) fn split(&self, task: &dyn Task) -> Result<&'static str> {
        let splits = task.protocol().splits;
        let wanted = self.split.as_deref();
        let found = match wanted {
            None => splits.first(),
            Some(wanted) => splits.iter().find(|split| **split == wanted),
        };
        found.copied().ok_or_else(|| TaskError::Task {
            task: task.name().to_owned(),
            reason: format!(
                "{:?} is no split: {}",
                wanted.unwrap_or_default(),
                splits.join(", ")
            ),
        })
    }

    /// How many supports.
    pub(crate) fn count(&self, protocol: &Protocol) -> usize {
        let count = match protocol.supports {
            Supports::All(count) | Supports::EachClass(count) => count,
            Supports::None => 0,
        };
        self.supports.unwrap_or(count)
    }
}

/// Supports and queries as they are taken: drawn, limited.
pub(crate) fn taken(
    protocol: &Protocol,
    options: &ReadOptions,
    split: &str,
    mut supports: Set,
    mut queries: Set,
    required: Vec<Id>,
) -> Examples {
    let count = options.count(protocol);
    for set in [&mut supports, &mut queries] {
        set.usable = set.examples.len();
    }
    supports.examples = match protocol.supports {
        Supports::EachClass(_) => drawn_by_class(supports.examples, count, options.seed),
        Supports::All(_) | Supports::None => drawn(supports.examples, Some(count), options.seed),
    };
    queries.examples = limited(queries.examples, options.limit);
    Examples {
        split: split.to_owned(),
        supports,
        queries,
        required,
        ..Examples::default()
    }
}

/// A name among tasks.
pub(crate) fn unknown(name: &str, known: &[&str]) -> UnknownTask {
    UnknownTask {
        name: name.to_owned(),
        known: known.join(", "),
    }
}
