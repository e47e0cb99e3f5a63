use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong in building a corpus, by what the caller can do about it.
///
/// Bad pages and pictures are no errors: they are counted by a named reason and left out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the corpus could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Output(#[from] flamingo_files::Error),
    /// A file of the corpus is not what this version writes.
    #[error("{}: {reason}; remove it and build again", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(String),
    /// The folder was made with another configuration, and the stages that differ were not asked to be redone.
    #[error(
        "{} was made with {key} = {theirs}, and the configuration says {ours}: {advice}",
        folder.display()
    )]
    OtherConfiguration {
        /// The folder.
        folder: PathBuf,
        /// The key with its section.
        key: String,
        /// The folder's value.
        theirs: String,
        /// The configuration's value.
        ours: String,
        /// The way on.
        advice: String,
    },
    /// Other workers did not do their part in time.
    #[error(
        "waited {seconds} s for stage {stage} of {units}: see whether their workers run, and start this one again"
    )]
    Waited {
        /// The stage.
        stage: &'static str,
        /// The units that are missing.
        units: String,
        /// How long.
        seconds: u64,
    },
    /// An input cannot be read.
    #[error(transparent)]
    Input(#[from] flamingo_crawl::Error),
    /// A filter cannot be used.
    #[error(transparent)]
    Filter(#[from] crate::filters::FilterError),
    /// The image tower or its filters cannot be used.
    #[error(transparent)]
    Tower(#[from] crate::towers::TowerError),
    /// The step over all units failed.
    #[error("joining all units: {0}")]
    Join(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn file(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::File { path, source }
    }

    pub(crate) fn content(path: impl AsRef<Path>, reason: impl ToString) -> Self {
        Self::Content {
            path: path.as_ref().to_owned(),
            reason: reason.to_string(),
        }
    }
}
