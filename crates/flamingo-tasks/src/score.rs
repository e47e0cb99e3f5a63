//! Scores of predictions in the benchmarks' forms of submission.

pub(crate) mod answers;
pub(crate) mod captions;
pub(crate) mod classes;
pub(crate) mod judged;
pub(crate) mod memes;
pub(crate) mod nextqa;
mod options;
pub(crate) mod rareact;
mod scored;
pub(crate) mod star;
pub(crate) mod visdial;
pub(crate) mod vqa;

use std::path::{Path, PathBuf};

use crate::benchmark::Benchmark;
use crate::error::{Result, TaskError};

pub(crate) use judged::samples;
pub use judged::{Judged, Metric, SampleScore};
pub use options::{ScoreOptions, VqaVersion};
pub use scored::Scored;

/// Scores predictions of a benchmark.
///
/// `annotations` is the official file, in some benchmarks more than one (VisDial's dialogues and dense
/// annotations, NextQA's second references).
///
/// # Errors
///
/// A file that cannot be read or is in another form, ids that do not match, or no score.
pub fn score(
    task: Benchmark,
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
        Benchmark::Vqav2 | Benchmark::Okvqa | Benchmark::Textvqa | Benchmark::Vizwiz => {
            vqa::score(task, predictions, first, options)
        }
        Benchmark::Coco | Benchmark::Flickr30k | Benchmark::Vatex | Benchmark::Youcook2 => {
            captions::score(task, predictions, first, options)
        }
        Benchmark::Visdial => visdial::score(predictions, annotations, options),
        Benchmark::HatefulMemes => memes::score(predictions, first, options),
        Benchmark::Msvdqa | Benchmark::Msrvttqa => {
            answers::exact(task, predictions, first, options)
        }
        Benchmark::Ivqa => answers::ivqa(predictions, first, options),
        Benchmark::Star => star::score(predictions, first, options),
        Benchmark::Nextqa => nextqa::score(predictions, annotations, options),
        Benchmark::Rareact => rareact::score(predictions, first),
        Benchmark::Imagenet | Benchmark::Kinetics700 => {
            classes::score(task, predictions, first, options)
        }
    }
}
