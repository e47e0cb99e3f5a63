//! Why a part is not here.

use std::path::{Path, PathBuf};

use crate::ContentHash;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system's answer.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The cache cannot be written.
    #[error(transparent)]
    Output(#[from] flamingo_files::Error),
    /// What was offered as a part, or as an archive with it, cannot be read to its end.
    #[error("{place} cannot be read: {source}")]
    Unreadable {
        /// The file, or the member of an archive.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// The cache lacks a part.
    #[error(
        "{file} (sha256 {sha256}) is not in the cache {}: get it with `flamingo fetch MODEL`",
        folder.display()
    )]
    Missing {
        /// The part's name.
        file: String,
        /// Its hash.
        sha256: ContentHash,
        /// The cache.
        folder: PathBuf,
    },
    /// A file of the cache was changed.
    #[error(
        "{} has the sha256 {found}, its name says otherwise: it was changed; `flamingo fetch MODEL` replaces it",
        path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// The hash of what is there.
        found: ContentHash,
    },
    /// No way led to a part.
    #[error("{file} ({bytes} bytes, sha256 {sha256}) cannot be had: {reasons}; {next}")]
    NotHad {
        /// The part's name.
        file: String,
        /// Its size.
        bytes: u64,
        /// Its hash.
        sha256: ContentHash,
        /// What became of each way.
        reasons: String,
        /// What a user can do.
        next: String,
    },
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }
}
