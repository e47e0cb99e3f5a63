//! `flamingo data`: what a data set holds, before a model is trained on it.

mod inspect;
mod path;
mod preview;
mod stats;

use clap::{Args, Subcommand};

use crate::failure::Result;

/// See what a data set holds, before a model is trained on it.
#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Inspect(inspect::InspectArgs),
    Stats(stats::StatsArgs),
    Preview(preview::PreviewArgs),
}

pub(crate) fn run(args: &DataArgs) -> Result<()> {
    match &args.verb {
        Verb::Inspect(args) => inspect::run(args),
        Verb::Stats(args) => stats::run(args),
        Verb::Preview(args) => preview::run(args),
    }
}
