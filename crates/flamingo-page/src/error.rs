//! What can go wrong beside the pages themselves, which never fail.

use std::io;
use std::path::{Path, PathBuf};

/// Why a gold or documents can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read.
    #[error("can't read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line has not the form that is read.
    #[error("{}, line {line}: {source}; it should hold pages with their content", path.display())]
    Gold {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A folder tells nothing about pages.
    #[error("{} holds no expected content; give ground-truth.json, a .jsonl, or a folder of folders with expected.html", path.display())]
    NoGold {
        /// The folder.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }
}

/// The crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;
