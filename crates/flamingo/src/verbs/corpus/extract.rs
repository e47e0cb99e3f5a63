//! `flamingo corpus extract`: the main content of pages, a line of JSON each.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use flamingo::corpus::extract::{Extracted, Extractor};
use flamingo::corpus::filters::Filters;
use flamingo::crawl::{ReadOptions, Unit, list_units};
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use super::settings::Settings;
use crate::failure::{Failure, Hint, Result};
use crate::writer::Output;
use crate::{interrupt, output};

/// Extract the main content of pages, every image at its place.
///
/// Writes a line of JSON for each page: `url`, `title`, `language`, `parts` (texts, and images with absolute URLs), and
/// `decisions`: what the filters would decide, and the measures that they decide by. What may not be used (robots.txt
/// in the crawl, `noai` in headers or in the page, lists of those who opted out) has a line without parts; `noindex` alone
/// only keeps a page from passing.
#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// WARC files, pages, folders of pages, files of JSON lines with `url` and `html`; also globs and URLs of object
    /// stores; can be given several times
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    input: Vec<String>,
    /// The file to write; - for stdout
    #[arg(long, value_name = "docs.jsonl")]
    output: PathBuf,
    /// Where a folder of pages lies on the web, for pages that do not say it themselves
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was done, and how fast.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    extracted: Extracted,
    seconds: f64,
    pages_per_second: f64,
    bytes_per_second: f64,
}

pub(crate) fn run(args: &ExtractArgs) -> Result<()> {
    let settings = args.settings.read()?;
    let read = ReadOptions {
        pictures: false,
        ..ReadOptions::default()
    };
    let units = list_units(&args.input, args.base_url.as_deref(), &read)?;
    if units.iter().any(|unit| matches!(unit, Unit::Urls { .. })) {
        return Err(Failure::new(
            "a list of URLs must be fetched first: flamingo corpus fetch --urls FILE --output pages.warc.gz",
        ));
    }
    let filters = Filters::new(settings.filters, &settings.folder)?;
    let extractor = Extractor::new(filters, &settings.fetch, read)?;
    let place = Output::of(&args.output)?
        .unless_one_of(units.iter().flat_map(Unit::files))?
        .unless_file_in(&args.input)?;
    interrupt::ends_with(place.stands() + "; the same command begins anew")?;
    let bar = output::spinner();
    let start = Instant::now();
    let show = |extracted: &Extracted| {
        let seconds = start.elapsed().as_secs_f64();
        bar.set_message(format!(
            "{} pages, {}, {:.0} pages/s",
            HumanCount(extracted.pages),
            HumanBytes(extracted.bytes),
            extracted.pages as f64 / seconds
        ));
    };
    let extracted = extractor.extract(&units, &args.output, &show);
    bar.finish_and_clear();
    let extracted = extracted.hint_if_full("make room, then give the same command again")?;
    let report = Report::new(extracted, start.elapsed());
    match args.json {
        true => place.tell_json(&report),
        false => place.tell(&report.summary()),
    }
}

impl Report {
    fn new(extracted: Extracted, elapsed: Duration) -> Self {
        let seconds = elapsed.as_secs_f64();
        Self {
            seconds,
            pages_per_second: extracted.pages as f64 / seconds,
            bytes_per_second: extracted.bytes as f64 / seconds,
            extracted,
        }
    }

    fn summary(&self) -> String {
        let Extracted {
            pages,
            kept,
            bytes,
            reasons,
            other,
        } = &self.extracted;
        let mut lines = vec![format!(
            "{} pages ({}) in {:.2} s: {:.0} pages/s, {}/s",
            HumanCount(*pages),
            HumanBytes(*bytes),
            self.seconds,
            self.pages_per_second,
            HumanBytes(self.bytes_per_second as u64)
        )];
        lines.push(format!("{} pass the filters", HumanCount(*kept)));
        let counted = |(name, count): (&String, &u64)| format!("  {count:>9}  {name}");
        lines.extend(reasons.iter().map(counted));
        if !other.is_empty() {
            lines.push("in the inputs".to_owned());
            lines.extend(other.iter().map(counted));
        }
        lines.join("\n")
    }
}
