//! `flamingo eval check-data`: what of a benchmark's files a folder holds.

use std::path::PathBuf;

use clap::Args;
use flamingo::tasks::{UnknownTask, check_data, task};

use crate::failure::{Failure, Result};
use crate::output;

/// Say which of a benchmark's official files a folder holds, and what is missing.
///
/// Counts items against the official numbers, and names broken items, other versions, and items whose picture or
/// film is not below the folder. Then reads what a run would ask and show, and says what it would leave out: broken
/// entries, questions without annotations and the reverse, ids of another type. The exit code is 0 only if all is
/// there that the paper's protocol needs.
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
    let report = check_data(&*task, &args.data, args.split.as_deref())?;
    match args.json {
        true => output::json(&report)?,
        false => output::line(&report.to_string())?,
    }
    match report.is_ready() {
        true => Ok(()),
        false => Err(Failure::new(format!(
            "{} is not ready in {}",
            report.task, report.folder
        ))),
    }
}
