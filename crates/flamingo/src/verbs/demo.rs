//! `flamingo demo`: what the model learns from its shots.

use std::path::{Path, PathBuf};

use clap::Args;
use flamingo::engine::Engine;
use flamingo::eval::{
    About, DemoOptions, NamingOptions, Photos, demo, html, naming, naming_examples, naming_queries,
    photos_html,
};

use crate::args::ModelArgs;
use crate::failure::{Hint, Result};
use crate::writer::Output;
use crate::{interrupt, output};

/// Show what the model learns from its shots: a table, and a page with the pictures.
///
/// Names held-out things with made-up words, asks for captions, counts, colours and places, and
/// shows films. Everything is drawn anew from the seed.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Queries of each figure
    #[arg(long, value_name = "N", default_value_t = DemoOptions::default().queries)]
    queries: usize,
    /// Seed of things, names and pictures
    #[arg(long, value_name = "N", default_value_t = DemoOptions::default().seed)]
    seed: u64,
    /// Ask about photos of your own in place of the demo world: a folder that has a folder for each thing. Things
    /// are named by arbitrary words; beside each figure stands the nearest class mean. Whose photos they are may stand
    /// in CREDITS.txt there, which the page shows
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to write the page [default: flamingo-demo.html, or none with --json]
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print the figures alone, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

const PAGE: &str = "flamingo-demo.html";
/// In a folder of photos.
const CREDITS: &str = "CREDITS.txt";
const BAR: &str =
    "{spinner} {bar:40.cyan} {percent:>3}%  {human_pos} of {human_len} queries, {eta} left";

/// What was made.
struct Made {
    json: String,
    table: String,
    /// The page, if one is to be written.
    page: Option<String>,
    /// Prompts on it.
    prompts: usize,
}

pub(crate) fn run(args: &DemoArgs) -> Result<()> {
    let page = args
        .html
        .clone()
        .or_else(|| (!args.json).then(|| PAGE.into()));
    // Better told before the work than after it.
    let place = page.as_deref().map(Output::of).transpose();
    let place = place.hint("name another place with --html FILE")?;
    let stands = place.as_ref().map(|place| place.stands() + "; ");
    interrupt::ends_with(format!(
        "{}the same command begins anew, --queries N makes it shorter",
        stands.unwrap_or_default()
    ))?;
    let draft = place.as_ref().map(Output::begin).transpose();
    let draft = draft.hint("name another place with --html FILE")?;
    let made = match &args.data {
        Some(folder) => of_photos(args, folder, place.is_some())?,
        None => of_world(args)?,
    };
    let shown = if args.json { &made.json } else { &made.table };
    let (Some(place), Some(mut draft), Some(html)) = (place, draft, made.page) else {
        return output::line(shown);
    };
    // Before the report, whose reader may be gone.
    let written = draft.add(html.as_bytes());
    written
        .and_then(|()| draft.commit())
        .hint_if_full("make room, then give the same command again")?;
    place.tell(shown)?;
    match page.as_deref().filter(|_| place.is_file() && !args.json) {
        Some(page) => place.tell(&invitation(page, made.prompts)),
        None => Ok(()),
    }
}

/// The figures of the demo world.
fn of_world(args: &DemoArgs) -> Result<Made> {
    let options = options(args);
    let mut engine = args.model.open()?;
    let bar = output::bar(options.total_queries() as u64, BAR);
    let demo = demo(&mut engine, &options, &mut |queries| {
        bar.inc(queries as u64)
    })?;
    bar.finish_and_clear();
    Ok(Made {
        json: serde_json::to_string_pretty(&demo.report)?,
        table: demo.report.to_string(),
        page: Some(html(&demo, &about(&engine, args))),
        prompts: demo.examples.len(),
    })
}

/// The figures of a folder of photos.
fn of_photos(args: &DemoArgs, folder: &Path, with_page: bool) -> Result<Made> {
    let photos = Photos::read(folder)?;
    let options = NamingOptions {
        queries: args.queries,
        seed: args.seed,
    };
    let mut engine = args.model.open()?;
    let bar = output::bar(naming_queries(&options) as u64, BAR);
    let report = naming(&mut engine, &photos, &options, &mut |queries| {
        bar.inc(queries as u64)
    })?;
    bar.finish_and_clear();
    let examples = match with_page {
        true => naming_examples(&mut engine, &photos, &options)?,
        false => Vec::new(),
    };
    let page = || {
        let credits = std::fs::read_to_string(folder.join(CREDITS)).ok();
        let about = about(&engine, args);
        photos_html(&report, &examples, &about, credits.as_deref())
    };
    Ok(Made {
        json: serde_json::to_string_pretty(&report)?,
        table: report.to_string(),
        page: with_page.then(page),
        prompts: examples.len(),
    })
}

fn invitation(page: &Path, prompts: usize) -> String {
    format!(
        "\n{prompts} prompts with their pictures, and where the model looked: {}",
        page.display()
    )
}

fn options(args: &DemoArgs) -> DemoOptions {
    DemoOptions {
        queries: args.queries,
        seed: args.seed,
    }
}

fn about(engine: &Engine, args: &DemoArgs) -> About {
    let model = args.model.files.model.clone();
    About {
        model: model.unwrap_or_else(|| "the demo model in this program".to_owned()),
        parameters: engine.describe().total,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        device: format!("{}, {}", args.model.device.device.name(), dtype(args)),
        options: options(args),
    }
}

fn dtype(args: &DemoArgs) -> String {
    args.model.dtype.unwrap_or_default().to_string()
}
