//! What `flamingo label` is asked.

use std::path::{Path, PathBuf};

use clap::Args;
use flamingo::eval::LabelOptions;

use crate::args::{MediaArgs, ModelArgs};

/// Label photos by a few shots of each class.
///
/// Weighs the model's likelihood of each name behind the shots with the nearest class mean of its encoder. Shots are
/// left out, one of each class at a time, to find how much either counts, and from which probability on a label is sure.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flamingo label --model photos --shots shots --html labels.html holiday/\n\n\
                  where shots has a folder of a few photos for each class, named for it"
)]
pub(crate) struct LabelArgs {
    /// A folder that has a folder for each class, or captions.jsonl: a line for each shot, a document of a picture
    /// and its name; or such a file
    #[arg(long, value_name = "PATH")]
    pub(super) shots: PathBuf,
    /// Photos to label, and folders of such
    #[arg(value_name = "PHOTOS", required = true)]
    pub(super) photos: Vec<PathBuf>,
    /// Put only the N shots into a prompt that are most like its photo, the likest last; their classes are the
    /// candidates [default: all shots]
    #[arg(long, value_name = "N")]
    pub(super) nearest: Option<usize>,
    /// Labels are sure from where on this share of the shots that were left out is labelled rightly, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = LabelOptions::default().right)]
    pub(super) sure: f32,
    /// Write a row for each photo here; - for stdout
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    pub(super) csv: Option<PathBuf>,
    /// Write a line of JSON for each photo here; - for stdout
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    pub(super) jsonl: Option<PathBuf>,
    /// Write a page with the photos, their probabilities and where the model looked here
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    pub(super) html: Option<PathBuf>,
    #[command(flatten)]
    pub(super) media: MediaArgs,
    #[command(flatten)]
    pub(super) model: ModelArgs,
}

impl LabelArgs {
    /// What the flag `--model` says, for pages.
    pub(super) fn model_name(&self) -> String {
        let name = self.model.files.model.clone();
        name.unwrap_or_else(|| "the demo model in this program".to_owned())
    }
}

/// Whether a flag names standard output.
pub(super) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}
