//! Scores of predictions in the benchmarks' forms of submission.

mod answers;
mod captions;
mod classes;
mod memes;
mod nextqa;
mod rareact;
mod star;
mod visdial;
mod vqa;

use std::fmt;
use std::path::{Path, PathBuf};

use flamingo_metrics::{AnswerReading, LineEnds, Nltk, PerceptronTagger, WordNet};
use serde::Serialize;

use crate::error::{Result, TaskError};
use crate::ids::Matching;
use crate::task::Task;

/// Whose rules of VQA accuracy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VqaVersion {
    /// GT-Vision-Lab/VQA. An annotator without `answer_id` counts for himself. The default.
    #[default]
    Official,
    /// OpenFlamingo's, by which its figures were published: VizWiz' equal answers drop out together.
    OpenFlamingo,
    /// EvalAI's, by which lmms-eval scores TextVQA, OK-VQA and VizWiz.
    EvalAi,
}

/// What a score is computed by.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScoreOptions<'a> {
    /// Score the items that match where some do not.
    pub partial: bool,
    /// Whose rules of VQA accuracy.
    pub vqa: VqaVersion,
    /// What happens to a caption that holds the end of a line.
    pub line_ends: LineEnds,
    /// How annotated answers about films are read.
    pub reading: AnswerReading,
    /// Which NLTK's word similarity.
    pub nltk: Nltk,
    /// WordNet 3.0, for NextQA.
    pub wordnet: Option<&'a WordNet>,
    /// NLTK's tagger, for exactly NextQA's official lemmas.
    pub tagger: Option<&'a PerceptronTagger>,
}

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
    fn new(task: Task, matching: Matching) -> Self {
        Self {
            task,
            metrics: Vec::new(),
            matching,
            notes: Vec::new(),
        }
    }

    fn add(&mut self, name: impl Into<String>, value: impl Into<Option<f64>>) {
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

/// Scores predictions of a benchmark.
///
/// `annotations` is the official file, in some benchmarks more than one (VisDial's dialogues and dense
/// annotations, NextQA's second references).
///
/// # Errors
///
/// A file that cannot be read or is in another form, ids that do not match, or no score.
pub fn score(
    task: Task,
    predictions: &Path,
    annotations: &[PathBuf],
    options: &ScoreOptions,
) -> Result<Scored> {
    let Some(first) = annotations.first() else {
        return Err(TaskError::Needs {
            task,
            what: "a file of annotations".to_owned(),
        });
    };
    match task {
        Task::Vqav2 | Task::Okvqa | Task::Textvqa | Task::Vizwiz => {
            vqa::score(task, predictions, first, options)
        }
        Task::Coco | Task::Flickr30k | Task::Vatex | Task::Youcook2 => {
            captions::score(task, predictions, first, options)
        }
        Task::Visdial => visdial::score(predictions, annotations, options),
        Task::HatefulMemes => memes::score(predictions, first, options),
        Task::Msvdqa | Task::Msrvttqa => answers::exact(task, predictions, first, options),
        Task::Ivqa => answers::ivqa(predictions, first, options),
        Task::Star => star::score(predictions, first, options),
        Task::Nextqa => nextqa::score(predictions, annotations, options),
        Task::Rareact => rareact::score(predictions, first),
        Task::Imagenet | Task::Kinetics700 => classes::score(task, predictions, first, options),
    }
}
