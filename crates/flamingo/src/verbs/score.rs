//! `flamingo score`: how likely candidate answers are.

use std::path::PathBuf;

use clap::Args;
use flamingo::Files;

use crate::args::ModelArgs;
use crate::failure::Result;
use crate::output;
use crate::verbs::prompts;

/// Say how likely each of some candidate answers is.
///
/// Prints a JSON line for each prompt: the summed and mean log-probability of each candidate, and
/// the best one.
#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// Prompts with "candidates", one a line (JSONL); - for stdin
    #[arg(long, value_name = "FILE")]
    prompts: PathBuf,
    /// Documents put before each prompt, one a line (JSONL)
    #[arg(long, value_name = "FILE")]
    shots: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
}

pub(crate) fn run(args: &ScoreArgs) -> Result<()> {
    let shots = prompts::shots(args.shots.as_deref())?;
    let requests = prompts::candidates(&args.prompts, &shots)?;
    let mut engine = args.model.open()?;
    let files = Files::of(requests.iter().map(|request| &request.document));
    let scores = engine.score(&requests, &files)?;
    scores.iter().try_for_each(output::json_line)
}
