//! `flamingo eval score`: the score of predictions in a benchmark's form of submission.

use std::path::PathBuf;

use clap::Args;
use flamingo::tasks::{Benchmark, score};

use super::lexicon::LexiconArgs;
use super::rules::RulesArgs;
use crate::failure::Result;
use crate::output;

/// Score predictions in a benchmark's form of submission.
///
/// Reads the official files of coco, flickr30k, vqav2, okvqa, textvqa, vizwiz, visdial, hateful-memes, msvdqa,
/// msrvttqa, vatex, ivqa, youcook2, star, nextqa, rareact, imagenet or kinetics700, and computes what the
/// official code computes. Ids that do not match are named and counted.
#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// The benchmark
    #[arg(long, value_name = "TASK")]
    task: Benchmark,
    /// The predictions, in the benchmark's form of submission
    #[arg(long, value_name = "FILE")]
    predictions: PathBuf,
    /// The official annotations; of some benchmarks several files (visdial: dialogues and dense annotations;
    /// nextqa: questions and second references)
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    annotations: Vec<PathBuf>,
    /// Score the items that match, where some have no prediction or another id
    #[arg(long)]
    partial: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    lexicon: LexiconArgs,
}

pub(crate) fn run(args: &ScoreArgs) -> Result<()> {
    let lexicon = args.rules.lexicon(args.task.name(), &args.lexicon)?;
    let options = args.rules.options(args.partial, &lexicon);
    let scored = score(args.task, &args.predictions, &args.annotations, &options)?;
    match args.json {
        true => output::json(&scored),
        false => output::line(&scored.to_string()),
    }
}
