//! `flamingo eval contamination`: a task's pictures in a corpus.

use std::path::PathBuf;

use clap::Args;
use flamingo::corpus::images::EvaluationIndex;
use flamingo::corpus::towers::Tower;
use flamingo::eval::TaskMedia;
use flamingo::eval::contamination::{Contamination, SAME, contamination};

use super::task_files::TaskFilesArgs;
use crate::args::MediaArgs;
use crate::failure::{Failure, Result};
use crate::{image_tower, interrupt, output};

/// Find a task's pictures in a corpus: by their bytes, by how they look, and by a tower's embedding.
///
/// The corpus is read once: shards (.tar), documents (.jsonl) with their pictures, and picture files anywhere below the
/// folder. Every query of the task whose picture is met is named. The exit code is 0 whatever is found.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flamingo eval contamination vqav2 --data vqav2 --corpus corpus/shards"
)]
pub(crate) struct ContaminationArgs {
    #[command(flatten)]
    files: TaskFilesArgs,
    /// The corpus
    #[arg(long, value_name = "DIR")]
    corpus: PathBuf,
    /// Bits of the perceptual hash by which two pictures may differ and still be one, 0 to 8
    #[arg(long, value_name = "BITS", default_value_t = 4)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=i64::from(EvaluationIndex::MAX_DISTANCE)))]
    distance: u32,
    /// Compare by the embeddings of an image tower, too: demo, a path or an id of the hub
    #[arg(long, value_name = "TOWER")]
    tower: Option<String>,
    /// The cosine from which two embeddings are of one picture
    #[arg(long, value_name = "C", default_value_t = SAME, requires = "tower")]
    cosine: f32,
    /// Print JSON, with all that was found
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    media: MediaArgs,
}

pub(crate) fn run(args: &ContaminationArgs) -> Result<()> {
    let files = args.files.read(args.files.task()?)?;
    let read = files.task_run();
    let suite = read.suite();
    let media = TaskMedia::of(&suite, args.media.reader());
    let mut tower = match &args.tower {
        Some(name) => Some(
            image_tower::open(name)
                .map_err(|error| Failure::new(format!("the tower {name}: {error}")))?,
        ),
        None => None,
    };
    interrupt::ends_with("nothing was written; the same command begins anew")?;
    let line = output::spinner();
    let found: Contamination = contamination(
        &suite,
        &media,
        &args.corpus,
        args.distance,
        tower
            .as_mut()
            .map(|tower| (tower as &mut dyn Tower, args.cosine)),
        &args.media.limits(),
        &mut |pictures| line.set_message(format!("{pictures} pictures of the corpus read")),
    )?;
    line.finish_and_clear();
    match args.json {
        true => output::json(&found),
        false => output::line(&found.to_string()),
    }
}
