//! `flamingo eval diff`: the samples that changed between two runs.

use std::path::PathBuf;

use clap::Args;
use flamingo::eval::diff::diff;

use crate::failure::Result;
use crate::output;

/// Compare two runs sample by sample: what changed, and whether the scores differ by more than chance.
///
/// A run is its folder, one of its samples files, or a samples file of lmms-eval (DATE_samples_TASK.jsonl). Samples of
/// the same id are compared; the difference has a paired t test.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The first run
    #[arg(value_name = "A")]
    first: PathBuf,
    /// The second run
    #[arg(value_name = "B")]
    second: PathBuf,
    /// Which number is the score in a file of lmms-eval [default: the first]
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// Print JSON, with all samples that changed
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &DiffArgs) -> Result<()> {
    let difference = diff(&args.first, &args.second, args.metric.as_deref())?;
    match args.json {
        true => output::json(&difference),
        false => output::line(&difference.to_string()),
    }
}
