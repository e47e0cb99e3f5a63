//! `flamingo corpus stats`: the numbers of a corpus.

use std::path::PathBuf;

use clap::Args;
use flamingo::corpus::stats::Stats;

use crate::failure::Result;
use crate::output;

/// Show the numbers of a corpus: what each step kept and dropped, and what is written.
///
/// Of a corpus that is not finished, what is there so far.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// The folder of `corpus build`
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &StatsArgs) -> Result<()> {
    let stats = Stats::of(&super::build::built(&args.folder)?)?;
    if args.json {
        return output::json(&stats);
    }
    output::line(stats.to_string().trim_end())
}
