//! `flamingo eval check-data`: what of a benchmark's files a folder holds.

use std::path::PathBuf;

use clap::Args;
use flamingo::tasks::{ReadOptions, UnknownTask, check_data, task};

use crate::failure::{Failure, Result};
use crate::output;

/// Say which of a benchmark's official files a folder holds, and what is missing.
///
/// Counts items beside the official numbers, and names other versions. Then reads what a run would ask and show, as the
/// run does, and says what it would leave out: broken entries, pictures and films that are not there, questions without
/// annotations and the reverse. The exit code is 0 if a run would leave out nothing.
#[derive(Debug, Args)]
pub(crate) struct CheckDataArgs {
    /// The benchmark; or own (lines of parts and answers), folder (a folder for each class)
    #[arg(value_name = "TASK", value_parser = known)]
    task: String,
    /// The folder below which its files are
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Whose queries are read [default: the task's first]
    #[arg(long)]
    split: Option<String>,
    /// A file or folder of supports, where they are elsewhere
    #[arg(long, value_name = "PATH")]
    supports_at: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The name of a task that there is.
fn known(name: &str) -> std::result::Result<String, UnknownTask> {
    task(name).map(|task| task.name().to_owned())
}

pub(crate) fn run(args: &CheckDataArgs) -> Result<()> {
    let task = task(&args.task).map_err(|error| Failure::new(error.to_string()))?;
    let options = ReadOptions {
        split: args.split.clone(),
        supports_at: args.supports_at.clone(),
        ..ReadOptions::default()
    };
    let report = check_data(&*task, &args.data, &options)?;
    match args.json {
        true => output::json(&report)?,
        false => output::line(&report.to_string())?,
    }
    match report.is_ready() {
        true => Ok(()),
        false => Err(Failure::new(format!(
            "{} in {} {}",
            report.task,
            report.folder,
            report.state()
        ))),
    }
}
