//! The command line.

use clap::{Parser, Subcommand};

use crate::verbs;

/// Few-shot image, video and text understanding.
///
/// Shows a model a few examples, pictures and text in turn, and asks it about one more. Without
/// --model it uses the small demo model that is part of the program.
#[derive(Debug, Parser)]
#[command(name = "flamingo", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Log what is done to stderr; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Threads to compute with [default: all of the processor]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Demo(verbs::demo::DemoArgs),
    Ask(verbs::ask::AskArgs),
    Score(verbs::score::ScoreArgs),
    Label(verbs::label::LabelArgs),
    Train(verbs::train::TrainArgs),
    Describe(verbs::describe::DescribeArgs),
    Fetch(verbs::fetch::FetchArgs),
    Weights(verbs::weights::WeightsArgs),
    Corpus(verbs::corpus::CorpusArgs),
    Eval(verbs::eval::EvalArgs),
    Bench(verbs::bench::BenchArgs),
    Doctor(verbs::doctor::DoctorArgs),
    Completions(verbs::completions::CompletionsArgs),
    Man(verbs::man::ManArgs),
}
