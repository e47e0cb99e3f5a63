//! One file per verb.

pub(crate) mod ablate;
#[cfg(not(all(feature = "cluster", feature = "serve")))]
mod absent;
pub(crate) mod ask;
pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod corpus;
pub(crate) mod data;
pub(crate) mod demo;
pub(crate) mod describe;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod fetch;
pub(crate) mod label;
pub(crate) mod man;
pub(crate) mod parts;
pub(crate) mod prompts;
pub(crate) mod score;
#[cfg(feature = "serve")]
pub(crate) mod serve;
#[cfg(not(feature = "serve"))]
#[path = "verbs/serve_absent.rs"]
pub(crate) mod serve;
pub(crate) mod shots;
pub(crate) mod train;
pub(crate) mod weights;

use clap::CommandFactory;

use crate::cli::{Cli, Verb};
use crate::failure::{Failure, Result};

/// Does what the command line says.
pub(crate) fn run(cli: Cli) -> Result<()> {
    if cli.threads == Some(0) {
        return Err(Failure::new("--threads is 0: give 1 or more"));
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(cli.threads.unwrap_or(0))
        .stack_size(STACK)
        .build_global()?;
    // Among the threads that compute, for a thread outside is put to sleep and woken at every product.
    rayon::scope(|_| verb(cli))
}

/// What a main thread usually has.
const STACK: usize = 8 << 20;

fn verb(cli: Cli) -> Result<()> {
    match cli.verb {
        Verb::Bench(args) => bench::run(&args, cli.threads),
        Verb::Demo(args) => demo::run(&args),
        Verb::Ask(args) => ask::run(&args),
        Verb::Score(args) => score::run(&args),
        Verb::Label(args) => label::run(&args),
        Verb::Serve(args) => serve::run(&args),
        Verb::Train(args) => train::run(&args, cli.threads),
        Verb::Ablate(args) => ablate::run(&args, cli.threads),
        Verb::Data(args) => data::run(&args),
        Verb::Fetch(args) => fetch::run(&args),
        Verb::Describe(args) => describe::run(&args),
        Verb::Weights(args) => weights::run(&args),
        Verb::Corpus(args) => corpus::run(&args, cli.threads),
        Verb::Eval(args) => eval::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Completions(args) => completions::run(&args, Cli::command()),
        Verb::Man(args) => man::run(&args, Cli::command()),
    }
}
