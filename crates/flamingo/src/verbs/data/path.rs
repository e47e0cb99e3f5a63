//! Which data a verb is about, and what is told of it in the same words.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use flamingo::data::{Error, Format, Report, is_remote};

use crate::failure::{Failure, Hint, Result};
use crate::output;

/// Which data.
#[derive(Debug, Args)]
pub(super) struct DataPath {
    /// A file or folder; a pattern such as 'shards/{00000..00127}.tar'; or a .txt with a path a line
    #[arg(value_name = "PATH")]
    pub(super) path: PathBuf,
    /// Its format [default: what it looks like]
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatName>,
}

impl DataPath {
    pub(super) fn format(&self) -> Result<Format> {
        if is_remote(&self.path) {
            let here = format!(
                "{} is an address, and files here are looked at",
                self.path.display()
            );
            return Err(Failure::new(here)).hint(
                "download it and give its path; a training fetches it by itself, into the folder `downloads` of its [cache]",
            );
        }
        if let Some(FormatName(format)) = &self.format {
            return Ok(*format);
        }
        match Format::recognise(&self.path) {
            Err(error @ Error::Unrecognised { .. }) => Err(error).hint("--format says what it is"),
            found => Ok(found?),
        }
    }

    /// Prints what it is, how many of its samples can be used, and why the others cannot.
    pub(super) fn tell(&self, format: Format, report: &Report) -> Result<()> {
        let (path, is) = (self.path.display(), described(format));
        output::line(&format!("{path}: {is} ({})", format.name()))?;
        let (found, kept) = (report.found, report.kept());
        output::line(&format!("samples    {kept} of {found} can be used"))?;
        for (reason, count) in &report.left_out {
            output::line(&format!("left out   {count} x {reason}"))?;
        }
        Ok(())
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
pub(super) fn described(format: Format) -> &'static str {
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
