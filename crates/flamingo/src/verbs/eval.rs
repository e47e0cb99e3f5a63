//! `flamingo eval`: tasks run, by prompts or by two towers, runs compared, the benchmarks' files, the scores of submissions, and proof of the metrics.

mod check_data;
mod contamination;
mod diff;
mod lexicon;
mod report;
mod rices;
mod rules;
mod run;
mod score;
mod task_files;
mod verify_metrics;
mod versus;
mod zero_shot;

use clap::{Args, Subcommand};

use crate::failure::Result;

/// Run benchmarks and tasks of your own, compare runs, score submissions, verify the metrics.
///
/// `flamingo eval TASK ..` is `flamingo eval run TASK ..`.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(Box<run::RunArgs>),
    Report(report::ReportArgs),
    Diff(diff::DiffArgs),
    VersusFineTuned(Box<versus::VersusArgs>),
    ZeroShot(zero_shot::ZeroShotArgs),
    Contamination(contamination::ContaminationArgs),
    CheckData(check_data::CheckDataArgs),
    Score(score::ScoreArgs),
    VerifyMetrics(verify_metrics::VerifyMetricsArgs),
}

pub(crate) fn run(args: &EvalArgs) -> Result<()> {
    match &args.verb {
        Verb::Run(args) => run::run(args),
        Verb::Report(args) => report::run(args),
        Verb::Diff(args) => diff::run(args),
        Verb::VersusFineTuned(args) => versus::run(args),
        Verb::ZeroShot(args) => zero_shot::run(args),
        Verb::Contamination(args) => contamination::run(args),
        Verb::CheckData(args) => check_data::run(args),
        Verb::Score(args) => score::run(args),
        Verb::VerifyMetrics(args) => verify_metrics::run(args),
    }
}
