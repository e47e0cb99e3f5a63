//! `flamingo corpus fetch`: lists of URLs to a WARC file, politely.

use std::path::PathBuf;

use clap::Args;
use flamingo::crawl::{FetchReport, Fetcher};
use indicatif::HumanBytes;

use super::settings::Settings;
use crate::failure::{Failure, Hint, Result};
use crate::interrupt;
use crate::writer::Output;

/// Fetch a list of URLs into a WARC file, politely.
///
/// robots.txt is asked first, a host gets one request at a time with a pause behind each, failures are tried once more,
/// and what refuses to be used for training (`noai` and its kind, lists of those who opted out) is not kept. The
/// section [fetch] of a configuration says how.
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// A file with a URL, or JSON with a `url`, on each line
    #[arg(long, value_name = "FILE")]
    urls: PathBuf,
    /// The file to write; - for stdout
    #[arg(long, value_name = "FILE.warc.gz")]
    output: PathBuf,
    /// The URLs are of pictures, not of pages
    #[arg(long)]
    images: bool,
    #[command(flatten)]
    settings: Settings,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &FetchArgs) -> Result<()> {
    let list = std::fs::read_to_string(&args.urls)
        .map_err(|error| Failure::new(format!("{}: {error}", args.urls.display())))?;
    let lines = list.lines().map(str::trim);
    let urls: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let place = Output::of(&args.output)?.unless_one_of([&args.urls])?;
    interrupt::ends_with(place.stands() + "; the same command begins anew")?;
    let fetcher = Fetcher::new(args.settings.read()?.fetch)?;
    let report = match args.images {
        true => fetcher.fetch_images(&urls, &args.output),
        false => fetcher.fetch_pages(&urls, &args.output),
    };
    let report = report.hint_if_full("make room, then give the same command again")?;
    match args.json {
        true => place.tell_json(&report),
        false => place.tell(&summary(&report)),
    }
}

fn summary(report: &FetchReport) -> String {
    let mut lines = vec![format!(
        "{} stored; {} requests ({} second tries, {} of what they lead to), {} of robots.txt, {} names looked up",
        HumanBytes(report.bytes),
        report.requests,
        report.retries,
        report.redirects,
        report.robots_requests,
        report.lookups
    )];
    let outcomes = report.outcomes.iter().filter(|(_, count)| *count > 0);
    lines.extend(outcomes.map(|(outcome, count)| format!("  {count:>9}  {outcome}")));
    lines.join("\n")
}
