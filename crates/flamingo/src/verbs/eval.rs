//! `flamingo eval`: tasks run, runs compared, the benchmarks' files, the scores of submissions, and proof of the metrics.

mod check_data;
mod contamination;
mod diff;
mod lexicon;
mod report;
mod rices;
mod rules;
mod run;
mod score;
mod verify_metrics;
mod versus;

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};
use flamingo::tasks::task_names;

use crate::failure::{Failure, Result};

/// Run benchmarks and tasks of your own, compare runs, score submissions, verify the metrics.
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
    Contamination(contamination::ContaminationArgs),
    CheckData(check_data::CheckDataArgs),
    Score(score::ScoreArgs),
    VerifyMetrics(verify_metrics::VerifyMetricsArgs),
    /// `flamingo eval TASK ..` is `flamingo eval run TASK ..`
    #[command(external_subcommand)]
    Task(Vec<OsString>),
}

/// The words after `flamingo eval run`.
#[derive(Debug, Parser)]
#[command(name = "flamingo eval run", max_term_width = 100)]
struct TaskCommand {
    #[command(flatten)]
    args: run::RunArgs,
}

pub(crate) fn run(args: &EvalArgs) -> Result<()> {
    match &args.verb {
        Verb::Run(args) => run::run(args),
        Verb::Report(args) => report::run(args),
        Verb::Diff(args) => diff::run(args),
        Verb::VersusFineTuned(args) => versus::run(args),
        Verb::Contamination(args) => contamination::run(args),
        Verb::CheckData(args) => check_data::run(args),
        Verb::Score(args) => score::run(args),
        Verb::VerifyMetrics(args) => verify_metrics::run(args),
        Verb::Task(words) => task(words),
    }
}

/// A task's name in the place of a verb.
fn task(words: &[OsString]) -> Result<()> {
    let name = words
        .first()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    if flamingo::tasks::task(&name).is_err() {
        let names = task_names().join(", ");
        return Err(Failure::new(format!(
            "`flamingo eval {name}` is nothing: neither a verb (`flamingo eval --help` lists them) nor a task ({names})"
        )));
    }
    let command = std::iter::once(OsString::from("flamingo eval run")).chain(words.iter().cloned());
    match TaskCommand::try_parse_from(command) {
        Ok(TaskCommand { args }) => run::run(&args),
        Err(error) => Err(Failure::usage(&error)),
    }
}
