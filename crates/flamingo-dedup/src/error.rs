use std::io;
use std::path::{Path, PathBuf};

use datafusion::error::DataFusionError;

/// What can go wrong in looking for repetitions, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output cannot be written.
    #[error(transparent)]
    Output(#[from] flamingo_files::Error),
    /// A table of the corpus could not be read or written.
    #[error(transparent)]
    Corpus(#[from] flamingo_corpus::Error),
    /// The memory is too small even with what goes to disk.
    #[error(
        "statement {statement} needs more than {limit} bytes of memory at a time; raise `memory_limit`: {source}"
    )]
    Memory {
        /// The file of the statement.
        statement: &'static str,
        /// The limit.
        limit: u64,
        /// What the engine said.
        source: Box<DataFusionError>,
    },
    /// A statement failed in the process.
    #[error("statement {statement}: {source}")]
    Statement {
        /// The file of the statement.
        statement: &'static str,
        /// What the engine said.
        source: Box<DataFusionError>,
    },
    /// A statement failed on the cluster.
    #[error(
        "statement {statement} on the cluster at {url}: {source}; its scheduler and executors must be of this \
         version and see {} at the same path, on a shared file system", folder.display()
    )]
    Cluster {
        /// The file of the statement.
        statement: &'static str,
        /// The scheduler.
        url: String,
        /// Where the tables lie.
        folder: PathBuf,
        /// What the engine said.
        source: Box<DataFusionError>,
    },
    /// A part of the cluster cannot run.
    #[error("{node} at {address}: {reason}")]
    Node {
        /// Scheduler or executor.
        node: &'static str,
        /// Its address.
        address: String,
        /// Why.
        reason: String,
    },
    /// A cluster was asked for, and this program has none.
    #[error(
        "cannot use the cluster at {0}: this program was built without the feature `cluster`; add it (cargo build --features cluster), or leave out --cluster"
    )]
    NoCluster(String),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn file(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::File { path, source }
    }
}
