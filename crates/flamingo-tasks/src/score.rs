//! Scores of predictions in the benchmarks' forms of submission.

mod answers;
mod captions;
mod classes;
mod memes;
mod nextqa;
mod options;
mod rareact;
mod scored;
mod star;
mod visdial;
mod vqa;

use std::path::{Path, PathBuf};

use crate::error::{Result, TaskError};
use crate::task::Task;

pub use options::{ScoreOptions, VqaVersion};
pub use scored::{Metric, Scored};

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
