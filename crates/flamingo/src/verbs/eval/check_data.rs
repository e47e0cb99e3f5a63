//! `flamingo eval check-data`: what of a benchmark's files a folder holds.

use std::path::PathBuf;

use clap::Args;
use flamingo::tasks::{Benchmark, check_data};

use crate::failure::{Failure, Result};
use crate::output;

/// Say which of a benchmark's official files a folder holds, and what is missing.
///
/// Counts items against the official numbers, and names broken items, other versions, and items whose picture or
/// film is not below the folder. The exit code is 0 only if all is there that the paper's protocol needs.
#[derive(Debug, Args)]
pub(crate) struct CheckDataArgs {
    /// The benchmark
    #[arg(value_name = "TASK")]
    task: Benchmark,
    /// The folder below which its files are
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CheckDataArgs) -> Result<()> {
    let report = check_data(args.task, &args.data)?;
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
