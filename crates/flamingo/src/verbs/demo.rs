//! `flamingo demo`: what the model learns from its shots.

use std::path::{Path, PathBuf};

use clap::Args;
use flamingo::engine::Engine;
use flamingo::eval::{
    About, Demo, DemoOptions, NamingOptions, Photos, demo, html, naming, naming_queries,
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
    /// are named by arbitrary words; beside each figure stands the nearest class mean. No page
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to write the page [default: flamingo-demo.html, or none with --json]
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    html: Option<PathBuf>,
    /// Print the figures alone, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

const PAGE: &str = "flamingo-demo.html";
const BAR: &str =
    "{spinner} {bar:40.cyan} {percent:>3}%  {human_pos} of {human_len} queries, {eta} left";

/// The figures of a folder of photos.
fn of_photos(args: &DemoArgs, folder: &Path) -> Result<()> {
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
    match args.json {
        true => output::json(&report),
        false => output::line(&report.to_string()),
    }
}

pub(crate) fn run(args: &DemoArgs) -> Result<()> {
    if let Some(folder) = &args.data {
        return of_photos(args, folder);
    }
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
    let options = DemoOptions {
        queries: args.queries,
        seed: args.seed,
    };
    let mut engine = args.model.open()?;
    let bar = output::bar(options.total_queries() as u64, BAR);
    let demo = demo(&mut engine, &options, &mut |queries| {
        bar.inc(queries as u64)
    })?;
    bar.finish_and_clear();
    let (Some(place), Some(mut draft)) = (place, draft) else {
        return match args.json {
            true => output::json(&demo.report),
            false => output::line(&demo.report.to_string()),
        };
    };
    // Before the report, whose reader may be gone.
    let written = draft.add(html(&demo, &about(&engine, args, options)).as_bytes());
    written
        .and_then(|()| draft.commit())
        .hint_if_full("make room, then give the same command again")?;
    if args.json {
        return place.tell_json(&demo.report);
    }
    place.tell(&demo.report.to_string())?;
    match page.as_deref().filter(|_| place.is_file()) {
        Some(page) => place.tell(&invitation(page, &demo)),
        None => Ok(()),
    }
}

fn invitation(page: &Path, demo: &Demo) -> String {
    let prompts = demo.examples.len();
    format!(
        "\n{prompts} prompts with their pictures, and where the model looked: {}",
        page.display()
    )
}

fn about(engine: &Engine, args: &DemoArgs, options: DemoOptions) -> About {
    let model = args.model.files.model.clone();
    About {
        model: model.unwrap_or_else(|| "the demo model in this program".to_owned()),
        parameters: engine.describe().total,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        device: format!("{}, {}", args.model.device.device.name(), dtype(args)),
        options,
    }
}

fn dtype(args: &DemoArgs) -> String {
    args.model.dtype.unwrap_or_default().to_string()
}
