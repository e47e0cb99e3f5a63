//! `flamingo corpus`: raw web pages to a data set.

mod evaluate;

use clap::{Args, Subcommand};

use crate::failure::Result;

/// Make a data set out of raw web pages: crawl files or saved pages in, training shards out.
#[derive(Debug, Args)]
pub(crate) struct CorpusArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Evaluate(evaluate::EvaluateArgs),
}

pub(crate) fn run(args: &CorpusArgs) -> Result<()> {
    match &args.verb {
        Verb::Evaluate(args) => evaluate::run(args),
    }
}
