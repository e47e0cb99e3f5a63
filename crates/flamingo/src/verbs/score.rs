//! `flamingo score`: how likely candidate answers are.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use flamingo::Files;
use flamingo::engine::RankBy;

use crate::args::{MediaArgs, ModelArgs};
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
    /// What the best candidate is best by
    #[arg(long, value_enum, default_value = "sum")]
    by: By,
    #[command(flatten)]
    media: MediaArgs,
    #[command(flatten)]
    model: ModelArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// The sum of its tokens' log-probabilities
    Sum,
    /// Their mean, which does not favour short candidates
    Mean,
}

pub(crate) fn run(args: &ScoreArgs) -> Result<()> {
    let shots = prompts::shots(args.shots.as_deref())?;
    let requests = prompts::candidates(&args.prompts, &shots)?;
    let mut engine = args.model.open_with(|options| options.films = args.media.sampling())?;
    let files = Files::of(requests.iter().map(|request| &request.document));
    let files = files.read_with(args.media.reader());
    let by = match args.by {
        By::Sum => RankBy::Sum,
        By::Mean => RankBy::Mean,
    };
    let scores = engine.score(&requests, &files, by)?;
    scores.iter().try_for_each(output::json_line)
}
