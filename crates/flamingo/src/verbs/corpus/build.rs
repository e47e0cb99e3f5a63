//! `flamingo corpus build`: the whole way from crawl files to shards.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use flamingo::corpus::Config;
use flamingo::corpus::build::{Options, Parts, Stage as BuildStage, build};
use flamingo::corpus::folder::{self, Folder};
use flamingo::corpus::stats::Stats;
use flamingo::dedup::Deduplicator;

use super::allocator;
use super::progress::Shown;
use crate::args::WorkerArgs;
use crate::failure::{Failure, Hint, Result};
use crate::{image_tower, interrupt, output, writer};

/// Build a data set: read, deduplicate, filter, write shards, a manifest and a data card.
///
/// What is done already is not done again, so a build that was stopped at any point goes on by the same command,
/// and its files are the same to the byte. Several processes share the work: worker I of N, told by --worker and
/// --workers or by the variables of SLURM, Kubernetes' indexed jobs, torchrun or mpirun.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The configuration (docs/corpus.md says all that it can hold)
    #[arg(long, value_name = "corpus.toml")]
    config: PathBuf,
    /// The folder of the corpus
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    worker: WorkerArgs,
    /// Do only this stage
    #[arg(long, value_enum)]
    stage: Option<Stage>,
    /// Let the configuration differ from what the folder was made with, and do this stage and those behind it again
    #[arg(long, value_enum, value_name = "STAGE")]
    redo: Option<Stage>,
    /// Seconds to wait for the other workers
    #[arg(long, value_name = "S", default_value_t = 86_400)]
    patience: u64,
    #[command(flatten)]
    join: JoinArgs,
    /// Print the numbers of the corpus as JSON
    #[arg(long)]
    json: bool,
}

/// Where all pages are compared with each other.
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// Compare pages on the cluster of this scheduler [default: in this process]
    #[arg(long, value_name = "HOST:PORT")]
    cluster: Option<String>,
    /// Seconds that the scheduler or all executors may be missing; a job may take ten times as long until a task of it ends
    #[arg(long, value_name = "S", default_value_t = 60, requires = "cluster")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    cluster_timeout: u64,
}

/// A part of a build.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Stage {
    /// Pages and pictures are read and measured, a unit at a time
    Read,
    /// What repeats is found, and where each picture is
    Join,
    /// Documents are filtered and written, a unit at a time
    Write,
    /// Counts are added up; manifest and data card
    Finish,
}

pub(crate) fn run(args: &BuildArgs, threads: Option<usize>) -> Result<()> {
    allocator::give_back_early();
    let config = Config::read(&args.config)?;
    outside(&args.output, &config.input.paths)?;
    let worker = args.worker.worker()?;
    let deduplicator = args.join.deduplicator(threads)?;
    let options = Options {
        worker,
        stage: args.stage.map(Into::into),
        redo: args.redo.map(Into::into),
        threads: threads.unwrap_or(0),
        patience: Duration::from_secs(args.patience),
    };
    interrupt::ends_with(format!(
        "what is done stands in {}; the same command goes on",
        args.output.display()
    ))?;
    let _lock = writer::worker(&args.output, worker)?;
    let folder = Folder::open(&args.output, worker.index)?;
    let shown = Shown::new();
    let parts = Parts {
        global: &deduplicator,
        tower: &image_tower::open,
        progress: &shown,
    };
    let done = build(&config, &folder, &options, &parts);
    shown.clear();
    done.hint_if_full("make room: what is done stands, and the same command goes on")?;
    if !folder.has(folder::MANIFEST) {
        return output::line(&format!(
            "worker {} of {} is done",
            worker.index, worker.count
        ));
    }
    let stats = Stats::of(&folder)?;
    if args.json {
        return output::json(&stats);
    }
    output::line(stats.to_string().trim_end())?;
    let shown = |name: &str| folder.path(name).display().to_string();
    output::line(&format!("data card: {}", shown(folder::CARD)))?;
    output::line(&format!("manifest: {}", shown(folder::MANIFEST)))
}

/// Makes sure that a corpus is not written among its inputs: its data card would be read as a page.
fn outside(output: &Path, inputs: &[String]) -> Result<()> {
    // What is not there yet is made below what is.
    let there = output
        .ancestors()
        .find_map(|path| match path.as_os_str().is_empty() {
            true => Path::new(".").canonicalize().ok(),
            false => path.canonicalize().ok(),
        });
    let is_around = |input: &&String| {
        let input = Path::new(input).canonicalize();
        let folder = input.ok().filter(|input| input.is_dir());
        folder.is_some_and(|folder| {
            there
                .as_ref()
                .is_some_and(|there| there.starts_with(folder))
        })
    };
    match inputs.iter().find(is_around) {
        Some(input) => Err(Failure::new(format!(
            "{} lies in the input {input}, so that its own files would be read as pages: give --output a folder elsewhere",
            output.display()
        ))),
        None => Ok(()),
    }
}

/// A folder that has a corpus, or the beginnings of one.
pub(super) fn built(path: &Path) -> Result<Folder> {
    if !path.join(folder::UNITS).is_file() {
        return Err(Failure::new(format!(
            "{} holds no corpus: make one with flamingo corpus build --config corpus.toml --output {}",
            path.display(),
            path.display()
        )));
    }
    Ok(Folder::open(path, 0)?)
}

impl JoinArgs {
    pub(super) fn deduplicator(&self, threads: Option<usize>) -> Result<Deduplicator> {
        let deduplicator = match &self.cluster {
            Some(scheduler) => {
                Deduplicator::cluster(scheduler, Duration::from_secs(self.cluster_timeout))?
            }
            None => Deduplicator::local(),
        };
        Ok(match threads {
            Some(threads) => deduplicator.threads(threads),
            None => deduplicator,
        })
    }
}

impl From<Stage> for BuildStage {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Read => Self::Read,
            Stage::Join => Self::Join,
            Stage::Write => Self::Write,
            Stage::Finish => Self::Finish,
        }
    }
}
