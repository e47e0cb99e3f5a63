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
    /// A statement failed on the cluster, each time that it was asked for.
    #[error(
        "statement {statement} on the cluster of {scheduler}: {reason}; its nodes must be of this version and see \
         {folder} at the same path, on a shared file system that has room, and so must their work folders; their --memory \
         must do for a task; when that is so, the same command goes on"
    )]
    Cluster {
        /// The file of the statement.
        statement: &'static str,
        /// The scheduler.
        scheduler: String,
        /// Where the tables lie.
        folder: String,
        /// What the node said, and which one.
        reason: String,
    },
    /// Nothing went on on the cluster.
    #[error(
        "statement {statement} on the cluster of {scheduler}: {reason}; see what its nodes say (--cluster-timeout waits \
         longer), then the same command goes on"
    )]
    Stalled {
        /// The file of the statement.
        statement: &'static str,
        /// The scheduler.
        scheduler: String,
        /// What did not go on.
        reason: String,
    },
    /// A part of the cluster did not come.
    #[error("waited {seconds} s for {what}: {next}; then the same command goes on")]
    Waited {
        /// The part, and why it is not there.
        what: String,
        /// How long.
        seconds: u64,
        /// What brings it.
        next: String,
    },
    /// Something else answers where the scheduler should.
    #[error(
        "{address} is not where a scheduler is: {reason}; give the address of `flamingo corpus cluster scheduler`, whose \
         port is 50050 unless --port says another"
    )]
    NoScheduler {
        /// Where it was asked.
        address: String,
        /// What was seen.
        reason: String,
    },
    /// The scheduler is of another version.
    #[error(
        "the scheduler at {scheduler} is of version {theirs}, this program of {ours}: run one version on all nodes"
    )]
    OtherVersion {
        /// The scheduler.
        scheduler: String,
        /// Its version.
        theirs: String,
        /// The version of this program.
        ours: &'static str,
    },
    /// Text that names no scheduler.
    #[error("{0}")]
    Address(String),
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

    #[cfg(feature = "cluster")]
    pub(crate) fn node(
        node: &'static str,
        address: std::net::SocketAddr,
        reason: &dyn std::fmt::Display,
    ) -> Self {
        Self::Node {
            node,
            address: address.to_string(),
            reason: reason.to_string(),
        }
    }
}
