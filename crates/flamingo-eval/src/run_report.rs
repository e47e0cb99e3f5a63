//! The page of one or more runs: tables beside published figures, curves, tests, controls, samples with their pictures.
//! One file, nothing loaded from elsewhere.

pub(crate) mod chart;
mod published;
mod read;
mod samples;
mod tables;

use std::fmt::Write;

use flamingo_film::Reader;
use flamingo_tasks::counted;

use crate::diff::Group;
use crate::report::escape::escape;
use crate::report::template::{STYLE, fill};
use crate::run::{Cell, Sample};
use crate::{Error, Result};
pub use read::RunRead;
use samples::Pictures;

const PAGE: &str = include_str!("run_report/page.html");
const OWN_STYLE: &str = include_str!("run_report/style.css");

/// A page, and how many pictures of its samples could not be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunPage {
    /// HTML.
    pub html: String,
    /// Pictures that are not there, or damaged.
    pub missing: usize,
}

/// The page of runs of one task; `others` are sets of samples of other programs; `shown` samples of the worst and as
/// many of the best are shown of each number of shots, with their pictures and films as `reader` reads them.
///
/// # Errors
/// If the runs are of different tasks.
pub fn run_page(
    runs: &[RunRead],
    others: &[Group],
    shown: usize,
    reader: Reader,
) -> Result<RunPage> {
    let Some(first) = runs.first() else {
        return Err(Error::Options("there is no run to report".to_owned()));
    };
    let task = &first.results.run.task;
    if let Some(other) = runs.iter().find(|run| run.results.run.task != *task) {
        return Err(Error::Options(format!(
            "{} is of the task {task}, {} of {}: a page is of one task",
            first.place.display(),
            other.place.display(),
            other.results.run.task
        )));
    }
    let mut pictures = Pictures::new(reader);
    let samples = runs
        .iter()
        .map(|run| browsable(run, runs.len() > 1, shown, &mut pictures));
    let samples: String = samples.collect();
    let html = fill(
        PAGE,
        &[
            ("task", escape(task)),
            ("style", format!("{STYLE}{OWN_STYLE}")),
            ("about", tables::about(runs)),
            ("scores", tables::scores(runs)),
            ("curves", tables::curves(runs)),
            ("icl", tables::icl(runs)),
            ("controls", tables::controls(runs)),
            ("tests", tables::tests(runs, others)),
            ("metrics", tables::metrics(runs)),
            ("notes", tables::notes(runs)),
            ("samples", samples),
        ],
    );
    Ok(RunPage {
        html,
        missing: pictures.missing,
    })
}

/// A page of one title and what is below it.
pub(crate) fn plain_page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>{STYLE}{OWN_STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>"
    )
}

/// The worst and best samples of a run's first seed, by the number of shots.
fn browsable(run: &RunRead, several: bool, shown: usize, pictures: &mut Pictures) -> String {
    let mut html = String::new();
    let seed = run.results.run.options.seeds.first().copied();
    let own = run
        .cells
        .iter()
        .filter(|(cell, _)| cell.ablation.is_none() && Some(cell.seed) == seed);
    let own: Vec<(&Cell, &Vec<Sample>)> = own.collect();
    for (nth, (cell, samples)) in own.iter().enumerate() {
        let (worst, best) = samples::worst_and_best(samples, shown);
        // The last one, of the most shots, stands open.
        let open = if nth + 1 == own.len() { " open" } else { "" };
        let of = if several {
            format!("{}: ", escape(&run.name()))
        } else {
            String::new()
        };
        let _ = write!(
            html,
            "<details{open}><summary>{of}{cell} <span class=\"error\">({})</span></summary>",
            counted(samples.len(), "sample")
        );
        for (title, some) in [("The worst", worst), ("The best", best)] {
            let cards: String = some
                .iter()
                .map(|sample| samples::card(sample, pictures))
                .collect();
            let _ = write!(html, "<h3>{title}</h3>{cards}");
        }
        html.push_str("</details>");
    }
    html
}
