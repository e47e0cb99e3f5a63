//! Why a case cannot be verified.

use std::path::{Path, PathBuf};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the case cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Case {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The case's model cannot be loaded.
    #[error(transparent)]
    Weights(#[from] flamingo_weights::Error),
    /// A file of tensors cannot be read or written.
    #[error(transparent)]
    File(#[from] flamingo_checkpoint::Error),
    /// A file cannot be written.
    #[error(transparent)]
    Output(#[from] flamingo_files::Error),
    /// A text cannot be encoded.
    #[error(transparent)]
    Text(#[from] flamingo_sequence::Error),
    /// Generation settings that are out of range.
    #[error(transparent)]
    Option(#[from] flamingo_engine::decoding::OptionError),
    /// The optimiser cannot be made.
    #[error(transparent)]
    Train(#[from] flamingo_train::Error),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn case(path: &Path, reason: impl ToString) -> Self {
        Error::Case {
            path: path.to_path_buf(),
            reason: reason.to_string(),
        }
    }
}
