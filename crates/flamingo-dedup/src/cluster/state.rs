//! What a scheduler tells of itself, at `http://HOST:PORT/cluster`.

use serde::{Deserialize, Serialize};

/// The path at which a scheduler tells it.
pub(super) const PATH: &str = "/cluster";
/// The version that all nodes and clients of a cluster must have.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A cluster at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The scheduler's version.
    pub(super) version: String,
    /// The executors that are there, as they are named in messages.
    pub(super) executors: Vec<String>,
    /// What these have together for the tasks of a statement.
    pub(super) room: Room,
    /// The jobs that run.
    pub(super) jobs: Vec<Job>,
}

/// Room for tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Room {
    /// Tasks at a time.
    pub(crate) tasks: usize,
    /// Bytes of memory that each of them has at least.
    pub(crate) task_bytes: u64,
}

/// A statement that a cluster works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    /// The scheduler's name for it.
    pub(super) id: String,
    /// Its client's name for it.
    pub(super) name: String,
    /// Its tasks that ended.
    pub(super) done: usize,
}
