//! `flamingo data`: what a data set holds, before a model is trained on it.

mod inspect;
mod preview;
mod stats;

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use flamingo::data::{Format, Report};

use crate::failure::{Hint, Result};
use crate::output;

/// See what a data set holds, before a model is trained on it.
#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Inspect(inspect::InspectArgs),
    Stats(stats::StatsArgs),
    Preview(preview::PreviewArgs),
}

pub(crate) fn run(args: &DataArgs) -> Result<()> {
    match &args.verb {
        Verb::Inspect(args) => inspect::run(args),
        Verb::Stats(args) => stats::run(args),
        Verb::Preview(args) => preview::run(args),
    }
}

/// Which data.
#[derive(Debug, Args)]
struct DataPath {
    /// A file or folder; a pattern such as 'shards/{00000..00127}.tar'; or a .txt with a path a line
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Its format [default: what it looks like]
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatName>,
}

impl DataPath {
    fn format(&self) -> Result<Format> {
        match &self.format {
            Some(FormatName(format)) => Ok(*format),
            None => Format::recognise(&self.path).hint("--format says what it is"),
        }
    }
}

/// The word by which recipes call a format.
#[derive(Clone, Copy, Debug)]
struct FormatName(Format);

impl ValueEnum for FormatName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [FormatName; 7] = [
            FormatName(Format::Jsonl),
            FormatName(Format::Shards),
            FormatName(Format::Parquet),
            FormatName(Format::Pages),
            FormatName(Format::Folders),
            FormatName(Format::Captions),
            FormatName(Format::Conversations),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

/// What a format is, in a few words.
fn described(format: Format) -> &'static str {
    match format {
        Format::Jsonl => "documents, one a line",
        Format::Shards => "WebDataset shards",
        Format::Parquet => "documents in Parquet",
        Format::Pages => "pages of HTML",
        Format::Folders => "pictures in folders named for what they show",
        Format::Captions => "pictures with captions, one a line",
        Format::Conversations => "conversations about pictures",
    }
}

/// Prints how many samples can be used, and why the others cannot.
fn tell_report(report: &Report) -> Result<()> {
    let (found, kept) = (report.found, report.kept());
    output::line(&format!("samples    {kept} of {found} can be used"))?;
    for (reason, count) in &report.left_out {
        output::line(&format!("left out   {count} x {reason}"))?;
    }
    Ok(())
}
