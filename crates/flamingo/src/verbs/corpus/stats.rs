//! `flamingo corpus stats`: the numbers of a corpus.

use std::path::PathBuf;

use clap::Args;
use flamingo::corpus::folder::Folder;
use flamingo::corpus::summary::{self, Summary};

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
    let folder = super::build::built(&args.folder)?;
    let units = super::build::units(&folder)?;
    let summary = Summary::of(&folder, units)?;
    if args.json {
        return output::json(&summary);
    }
    output::line(&summary.to_string())?;
    let times = summary::times(&folder, units)?;
    let total = times.total();
    if total > 0.0 {
        let shares = times.steps().map(|(step, seconds)| format!("{step} {:.0}%", 100.0 * seconds / total));
        output::line(&format!("processor time {total:.1} s: {}", shares.join(", ")))?;
    }
    Ok(())
}
