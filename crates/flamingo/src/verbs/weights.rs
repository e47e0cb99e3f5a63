//! `flamingo weights`: what is in a model's files, other formats, what quantising costs, and parity with
//! the peers.

mod convert;
mod inspect;
mod quality;
mod verify;

use clap::{Args, Subcommand};

use crate::failure::Result;

/// Inspect, convert, judge and verify the weights of models, ours and published ones.
#[derive(Debug, Args)]
pub(crate) struct WeightsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Inspect(inspect::InspectArgs),
    Convert(convert::ConvertArgs),
    Quality(quality::QualityArgs),
    Verify(verify::VerifyArgs),
}

pub(crate) fn run(args: &WeightsArgs) -> Result<()> {
    match &args.verb {
        Verb::Inspect(args) => inspect::run(args),
        Verb::Convert(args) => convert::run(args),
        Verb::Quality(args) => quality::run(args),
        Verb::Verify(args) => verify::run(args),
    }
}
