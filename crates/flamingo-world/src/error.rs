//! What can go wrong when a world is written.

use std::path::PathBuf;

/// A failure to write a world.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be written.
    #[error("cannot write {path}: {source}; check that the folder exists and the disk has room")]
    Write {
        /// What was being written.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file or folder cannot be written.
    #[error(transparent)]
    Output(#[from] flamingo_files::Error),
    /// The folder is there already.
    #[error("{path} exists already: remove it or name another folder")]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A size for which no world can be made.
    #[error("`{field}` is {value} but must be {wanted}: change it")]
    Size {
        /// The field of the configuration.
        field: &'static str,
        /// What it is.
        value: usize,
        /// What it may be.
        wanted: &'static str,
    },
}

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
