//! `flamingo score`: how likely candidate answers are.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use flamingo::Files;
use flamingo::engine::RankBy;

use crate::args::{MediaArgs, ModelArgs};
use crate::failure::Result;
use crate::output;
use crate::verbs::prompts;
use crate::verbs::shots::ShotArgs;

/// Say how likely each of some candidate answers is.
///
/// Prints a JSON line for each prompt: the summed and mean log-probability of each candidate, and
/// the best one.
#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// Prompts with "candidates", one a line (JSONL); - for stdin
    #[arg(long, value_name = "FILE")]
    prompts: PathBuf,
    #[command(flatten)]
    shots: ShotArgs,
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
    let shots = args.shots.read()?;
    let (mut requests, lines) = prompts::candidates(&args.prompts)?;
    let documents = requests
        .iter()
        .map(|request| shots.all_before(&request.document))
        .collect();
    let films = args.media.sampling();
    let mut engine = args.model.open_with(|options| options.films = films)?;
    let reader = args.media.reader();
    let documents = shots.nearest_before(&mut engine, documents, &reader, &lines)?;
    let files = Files::of(&documents).read_with(reader.clone());
    let source = shots.source(&files, &reader);
    for (request, document) in requests.iter_mut().zip(documents) {
        request.document = document;
    }
    let by = match args.by {
        By::Sum => RankBy::Sum,
        By::Mean => RankBy::Mean,
    };
    let scores = engine.score(&requests, &source, by);
    let scores = scores.map_err(|error| lines.told(0, error))?;
    scores.iter().try_for_each(output::json_line)
}
