//! `flamingo corpus plan`: job files for many machines.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use flamingo::corpus::plan::{self, Plan};

use crate::failure::Result;
use crate::output;

/// Write the job file that runs a build on many machines.
///
/// It goes to stdout. All workers must see the configuration, the inputs and the output folder under the same paths.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// What runs the workers
    #[arg(value_enum)]
    launcher: Launcher,
    /// The configuration, as workers see it
    #[arg(long, value_name = "corpus.toml")]
    config: PathBuf,
    /// The folder of the corpus, as workers see it
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// How many workers there are
    #[arg(long, value_name = "N", default_value_t = 8)]
    workers: u32,
    /// Processors of each
    #[arg(long, value_name = "N", default_value_t = 8)]
    cpus: u32,
    /// Gibibytes of memory of each
    #[arg(long, value_name = "N", default_value_t = 16)]
    memory: u32,
    /// Hours after which SLURM ends a job
    #[arg(long, value_name = "N", default_value_t = 24)]
    hours: u32,
    /// The program, as workers see it
    #[arg(long, value_name = "PATH", default_value = "flamingo")]
    program: String,
    /// The container image of Kubernetes
    #[arg(long, value_name = "IMAGE", default_value = "flamingo:latest")]
    image: String,
    /// The volume claim of Kubernetes
    #[arg(long, value_name = "CLAIM", default_value = "corpus")]
    volume: String,
    /// Where that volume is mounted
    #[arg(long, value_name = "PATH", default_value = "/corpus")]
    mount: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Launcher {
    /// Job arrays of SLURM, one stage after the other
    Slurm,
    /// An indexed job of Kubernetes
    K8s,
    /// Processes on this machine
    Local,
}

pub(crate) fn run(args: &PlanArgs) -> Result<()> {
    let launcher = match args.launcher {
        Launcher::Slurm => plan::Launcher::Slurm,
        Launcher::K8s => plan::Launcher::Kubernetes,
        Launcher::Local => plan::Launcher::Local,
    };
    let plan = Plan {
        cpus: args.cpus,
        memory_gib: args.memory,
        hours: args.hours,
        program: args.program.clone(),
        image: args.image.clone(),
        volume: (args.volume.clone(), args.mount.clone()),
        ..Plan::new(
            launcher,
            args.workers,
            args.config.clone(),
            args.output.clone(),
        )
    };
    output::piece(&plan.render()?)
}
