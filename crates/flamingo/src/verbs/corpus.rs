//! `flamingo corpus`: raw web pages to a data set.

mod allocator;
mod build;
mod card;
#[cfg(feature = "cluster")]
mod cluster;
mod dedup;
mod evaluate;
mod extract;
mod fetch;
mod plan;
mod progress;
mod settings;
mod stats;

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
    Extract(extract::ExtractArgs),
    Build(build::BuildArgs),
    Dedup(dedup::DedupArgs),
    Stats(stats::StatsArgs),
    Card(card::CardArgs),
    Plan(plan::PlanArgs),
    Evaluate(evaluate::EvaluateArgs),
    Fetch(fetch::FetchArgs),
    #[cfg(feature = "cluster")]
    Cluster(cluster::ClusterArgs),
}

pub(crate) fn run(args: &CorpusArgs, threads: Option<usize>) -> Result<()> {
    match &args.verb {
        Verb::Extract(args) => extract::run(args),
        Verb::Build(args) => build::run(args, threads),
        Verb::Dedup(args) => dedup::run(args, threads),
        Verb::Stats(args) => stats::run(args),
        Verb::Card(args) => card::run(args),
        Verb::Plan(args) => plan::run(args),
        Verb::Evaluate(args) => evaluate::run(args),
        Verb::Fetch(args) => fetch::run(args),
        #[cfg(feature = "cluster")]
        Verb::Cluster(args) => cluster::run(args),
    }
}
