//! `flamingo corpus dedup`: pages that repeat, out of files of extracted pages.

use std::path::PathBuf;

use clap::Args;
use flamingo::dedup::jsonl::{Report, dedup_jsonl};

use super::build::JoinArgs;
use super::settings::Settings;
use crate::failure::{Hint, Result};
use crate::interrupt;
use crate::writer::Output;

/// Drop pages that repeat earlier ones: by URL, by content, or nearly.
///
/// Reads what `corpus extract` wrote, from any number of files, and writes the lines that stay, in their order. Texts
/// that repeat in a domain are dropped from the pages that stay. `corpus build` does the same as one of its stages.
#[derive(Debug, Args)]
pub(crate) struct DedupArgs {
    /// Files of pages, a line of JSON each; can be given several times
    #[arg(long, value_name = "docs.jsonl", required = true, num_args = 1..)]
    input: Vec<PathBuf>,
    /// The file to write; - for stdout
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    join: JoinArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &DedupArgs, threads: Option<usize>) -> Result<()> {
    let config = args.settings.read()?.deduplication;
    let place = Output::of(&args.output)?.unless_one_of(&args.input)?;
    interrupt::ends_with(place.stands() + "; the same command begins anew")?;
    let report = dedup_jsonl(
        &args.input,
        &args.output,
        &args.join.deduplicator(threads)?,
        &config,
    )
    .hint_if_full("make room, then give the same command again")?;
    match args.json {
        true => place.tell_json(&report),
        false => place.tell(&summary(&report)),
    }
}

fn summary(report: &Report) -> String {
    let mut lines = vec![format!("{} of {} pages stay", report.kept, report.lines)];
    let dropped = report.dropped.iter();
    lines.extend(dropped.map(|(reason, count)| format!("  {count:>9}  {reason}")));
    for example in &report.examples {
        lines.push(format!(
            "{}: {} of {}",
            example.reason, example.url, example.of
        ));
    }
    lines.join("\n")
}
