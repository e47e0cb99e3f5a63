//! `flamingo eval`: the benchmarks' files, the scores of submissions, and proof of the metrics.

mod check_data;
mod lexicon;
mod score;
mod verify_metrics;

use clap::{Args, Subcommand};

use crate::failure::Result;

/// Check benchmarks' files, score submissions, and verify the metrics.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    CheckData(check_data::CheckDataArgs),
    Score(score::ScoreArgs),
    VerifyMetrics(verify_metrics::VerifyMetricsArgs),
}

pub(crate) fn run(args: &EvalArgs) -> Result<()> {
    match &args.verb {
        Verb::CheckData(args) => check_data::run(args),
        Verb::Score(args) => score::run(args),
        Verb::VerifyMetrics(args) => verify_metrics::run(args),
    }
}
