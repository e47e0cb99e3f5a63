//! `flamingo corpus cluster`: the nodes that `--cluster` speaks to.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use flamingo::dedup::cluster::{Executor, Scheduler};

use crate::failure::Result;

/// Memory for a task, in MiB, where none is said.
const TASK_MEBIBYTES: u64 = 256;

/// Run a node of the cluster on which `--cluster` compares pages.
///
/// A cluster is one scheduler and any number of executors, all of the same version of this program, which see the
/// corpus folder under the same path and run as one user. (They are Ballista's nodes with functions of their own; its
/// plain executors lack these.)
#[derive(Debug, Args)]
pub(crate) struct ClusterArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Scheduler(SchedulerArgs),
    Executor(ExecutorArgs),
}

/// Run the node that plans and hands out the work.
///
/// Anyone who reaches a node's ports can make it read and write files: keep them in a trusted network.
#[derive(Debug, Args)]
struct SchedulerArgs {
    /// The address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// The name or address at which executors find it [default: that to listen at]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// The port, that of --cluster HOST:PORT
    #[arg(long, value_name = "N", default_value_t = 50_050)]
    port: u16,
}

/// Run a node that works.
///
/// Anyone who reaches a node's ports can make it read and write files: keep them in a trusted network.
#[derive(Debug, Args)]
struct ExecutorArgs {
    /// The scheduler
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050")]
    scheduler: String,
    /// Seconds to wait for the scheduler
    #[arg(long, value_name = "S", default_value_t = 60)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    cluster_timeout: u64,
    /// The address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// The name or address at which the others find it [default: that to listen at]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// The port at which results are fetched [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// The port at which it gets its work [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    work_port: u16,
    /// Where it keeps what does not fit into memory, and what it passes on
    #[arg(long, value_name = "DIR")]
    work_dir: PathBuf,
    /// Memory for all its tasks together, in MiB [default: 256 for each]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    memory: Option<u64>,
    /// Tasks at a time [default: one for each processor]
    #[arg(long, value_name = "N")]
    cores: Option<NonZeroUsize>,
}

pub(crate) fn run(args: &ClusterArgs) -> Result<()> {
    match &args.verb {
        Verb::Scheduler(args) => args.node().run()?,
        Verb::Executor(args) => args.node().run()?,
    }
    Ok(())
}

impl SchedulerArgs {
    fn node(&self) -> Scheduler {
        Scheduler {
            bind: self.bind,
            host: self.host.clone().unwrap_or_else(|| self.bind.to_string()),
            port: self.port,
            ready_executors: 1,
        }
    }
}

impl ExecutorArgs {
    fn node(&self) -> Executor {
        let there = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let cores = self.cores.map_or_else(there, NonZeroUsize::get);
        let memory = self.memory.unwrap_or(cores as u64 * TASK_MEBIBYTES);
        Executor {
            scheduler: self.scheduler.clone(),
            patience: Duration::from_secs(self.cluster_timeout),
            bind: self.bind,
            host: self.host.clone(),
            port: self.port,
            work_port: self.work_port,
            work_dir: self.work_dir.clone(),
            memory: memory << 20,
            cores,
        }
    }
}
