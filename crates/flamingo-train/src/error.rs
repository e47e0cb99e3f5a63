//! What can go wrong in a training run.

use std::path::{Path, PathBuf};

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in a training run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system's answer to reading or writing a file.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A recipe that is no recipe: an unknown key, a missing one, a value of the wrong kind.
    #[error("{place}: {message}")]
    Recipe {
        /// `file:line`.
        place: String,
        /// What is wrong there; an unknown key is named with those allowed.
        message: String,
    },
    /// Values in a recipe that contradict each other, the data or the parts it starts from.
    #[error("{0}")]
    Contradiction(String),
    /// Data or a part that a recipe starts from and that is not there.
    #[error("`{key}` of the recipe: there is no {}: {next}", path.display())]
    Absent {
        /// The recipe's key.
        key: &'static str,
        /// What it names.
        path: PathBuf,
        /// What to do.
        next: String,
    },
    /// A loss or gradient that is no number any more.
    #[error(
        "step {step}: the {what} is {value}: lower the learning rate (`schedule.rate`), clip more or \
         look at the source's data; {kept}"
    )]
    NotFinite {
        /// The step, from 1.
        step: u64,
        /// `loss of source "pages"` or `gradient norm`.
        what: String,
        /// What it is.
        value: f32,
        /// Which checkpoint is kept.
        kept: String,
    },
    /// A run folder that holds another run, or nothing to resume.
    #[error("{}: {problem}", folder.display())]
    Run {
        /// The run folder.
        folder: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The curves could not be drawn.
    #[error("cannot draw {}: {reason}", path.display())]
    Curves {
        /// The picture.
        path: PathBuf,
        /// The drawing library's reason.
        reason: String,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Output(#[from] flamingo_files::Error),
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] flamingo_data::Error),
    /// A document or tokenizer cannot be used.
    #[error(transparent)]
    Sequence(#[from] flamingo_sequence::Error),
    /// A model's files cannot be read or written.
    #[error(transparent)]
    Weights(#[from] flamingo_weights::Error),
    /// The configuration describes no model.
    #[error(transparent)]
    Config(#[from] flamingo_model::ConfigError),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }

    pub(crate) fn contradiction(message: impl Into<String>) -> Error {
        Error::Contradiction(message.into())
    }
}
