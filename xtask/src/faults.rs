//! Processes that are killed at random moments: what they were making must end in the same bytes.
//!
//! `docs/reliability.md` says what was run and what came of it.

mod build;
mod cluster;
mod program;
mod train;

use clap::Subcommand;

/// What is killed.
#[derive(Debug, Subcommand)]
pub(crate) enum Fault {
    /// `flamingo corpus build`, killed and started again until it ends
    Build(build::Options),
    /// One of two executors in the join of a corpus, again and again
    Cluster(cluster::Options),
    /// `flamingo train`, killed and resumed until it ends; every second kill while a checkpoint is being written
    Train(train::Options),
}

/// Tries it.
///
/// # Errors
/// If bytes differ, or a process ends otherwise than by a kill.
pub(crate) fn run(fault: &Fault) -> anyhow::Result<()> {
    match fault {
        Fault::Build(options) => build::run(options),
        Fault::Cluster(options) => cluster::run(options),
        Fault::Train(options) => train::run(options),
    }
}
