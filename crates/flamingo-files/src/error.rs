//! What can go wrong when something is written.

use std::io;
use std::path::PathBuf;

/// What can go wrong when something is written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system's answer.
    #[error("cannot {action} {place}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder as it was given, or `standard output`.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// An output that can be no file.
    #[error("cannot write {place}: it is {what}: name a file, or - for standard output")]
    NoFile {
        /// The output as it was given.
        place: String,
        /// What it is.
        what: &'static str,
    },
    /// Another process writes this folder.
    #[error(
        "{} is being written by {holder}: wait for its end, stop it, or name another folder",
        folder.display()
    )]
    Held {
        /// The folder.
        folder: PathBuf,
        /// The process, since when, and its command.
        holder: String,
    },
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(action: &'static str, place: impl ToString) -> impl FnOnce(io::Error) -> Self {
        let place = place.to_string();
        move |source| Self::Io {
            action,
            place,
            source,
        }
    }
}

/// Inside an [`io::Error`]: whoever read what is written in place has gone. It is nobody's fault.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads it any more")]
pub struct ReaderGone;

/// Whether the system had no room left: on the disk, in the quota, or for so large a file.
pub fn is_disk_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
