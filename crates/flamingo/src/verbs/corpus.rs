//! `flamingo corpus`: raw web pages to a data set.

#[cfg(feature = "corpus")]
mod allocator;
#[cfg(feature = "corpus")]
mod build;
#[cfg(feature = "corpus")]
mod card;
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "corpus")]
mod dedup;
mod evaluate;
mod extract;
mod fetch;
mod plan;
#[cfg(feature = "corpus")]
mod progress;
mod settings;
#[cfg(feature = "corpus")]
mod stats;

use clap::{Args, Subcommand};

use crate::failure::Result;
#[cfg(not(feature = "cluster"))]
use crate::verbs::absent;

/// Make a data set out of raw web pages: crawl files or saved pages in, training shards out.
#[derive(Debug, Args)]
pub(crate) struct CorpusArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Extract(extract::ExtractArgs),
    #[cfg(feature = "corpus")]
    Build(build::BuildArgs),
    #[cfg(feature = "corpus")]
    Dedup(dedup::DedupArgs),
    #[cfg(feature = "corpus")]
    Stats(stats::StatsArgs),
    #[cfg(feature = "corpus")]
    Card(card::CardArgs),
    /// Build a data set; not in this program, which lacks the feature `corpus`
    #[cfg(not(feature = "corpus"))]
    Build(absent::Anything),
    /// Drop pages that repeat earlier ones; not in this program, which lacks the feature `corpus`
    #[cfg(not(feature = "corpus"))]
    Dedup(absent::Anything),
    /// Show the numbers of a corpus; not in this program, which lacks the feature `corpus`
    #[cfg(not(feature = "corpus"))]
    Stats(absent::Anything),
    /// Write the data card of a corpus anew; not in this program, which lacks the feature `corpus`
    #[cfg(not(feature = "corpus"))]
    Card(absent::Anything),
    Plan(plan::PlanArgs),
    Evaluate(evaluate::EvaluateArgs),
    Fetch(fetch::FetchArgs),
    #[cfg(feature = "cluster")]
    Cluster(cluster::ClusterArgs),
    /// Be a node of a cluster; not in this program, which lacks the feature `cluster`
    #[cfg(not(feature = "cluster"))]
    Cluster(absent::Anything),
}

#[cfg_attr(not(feature = "corpus"), allow(unused_variables))] // only builds share work among threads
pub(crate) fn run(args: &CorpusArgs, threads: Option<usize>) -> Result<()> {
    match &args.verb {
        Verb::Extract(args) => extract::run(args),
        #[cfg(feature = "corpus")]
        Verb::Build(args) => build::run(args, threads),
        #[cfg(feature = "corpus")]
        Verb::Dedup(args) => dedup::run(args, threads),
        #[cfg(feature = "corpus")]
        Verb::Stats(args) => stats::run(args),
        #[cfg(feature = "corpus")]
        Verb::Card(args) => card::run(args),
        #[cfg(not(feature = "corpus"))]
        Verb::Build(args) => absent::refuse(args, "corpus build", "corpus"),
        #[cfg(not(feature = "corpus"))]
        Verb::Dedup(args) => absent::refuse(args, "corpus dedup", "corpus"),
        #[cfg(not(feature = "corpus"))]
        Verb::Stats(args) => absent::refuse(args, "corpus stats", "corpus"),
        #[cfg(not(feature = "corpus"))]
        Verb::Card(args) => absent::refuse(args, "corpus card", "corpus"),
        Verb::Plan(args) => plan::run(args),
        Verb::Evaluate(args) => evaluate::run(args),
        Verb::Fetch(args) => fetch::run(args),
        #[cfg(feature = "cluster")]
        Verb::Cluster(args) => cluster::run(args),
        #[cfg(not(feature = "cluster"))]
        Verb::Cluster(args) => absent::refuse(args, "corpus cluster", "cluster"),
    }
}
