//! `flamingo eval report`: runs as a page.

use std::path::PathBuf;

use clap::Args;
use flamingo::eval::diff::read_groups;
use flamingo::eval::{RunRead, run_page};
use flamingo::film::Reader;
use flamingo::tasks::counted;

use crate::failure::{Hint, Result, say};
use crate::ffmpeg;
use crate::output;
use crate::writer::Output;

/// Make a page of runs: scores beside published ones, curves, tests, controls, and samples with their pictures.
///
/// Of several runs of one task, the first is compared with the others. Samples files of lmms-eval may stand beside them.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Folders of runs, and samples files of other programs (DATE_samples_TASK.jsonl)
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Where to write the page [default: report.html in the first run's folder]
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Samples of the worst, and as many of the best, for each number of shots
    #[arg(long, value_name = "N", default_value_t = 6)]
    samples: usize,
    /// Which number is the score in a file of lmms-eval [default: the first]
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
}

pub(crate) fn run(args: &ReportArgs) -> Result<()> {
    let (mut runs, mut others) = (Vec::new(), Vec::new());
    for path in &args.runs {
        match path.is_file() {
            true => others.extend(read_groups(path, args.metric.as_deref())?),
            false => runs.push(RunRead::read(path)?),
        }
    }
    let reader = Reader {
        ffmpeg: ffmpeg::find(),
        ..Reader::default()
    };
    let page = run_page(&runs, &others, args.samples, reader)?;
    let html = args.html.clone();
    let path = html.unwrap_or_else(|| runs[0].place.join("report.html"));
    let place = Output::of(&path).hint("name another place with --html FILE")?;
    let mut draft = place.begin().hint("name another place with --html FILE")?;
    let written = draft.add(page.html.as_bytes());
    written
        .and_then(|()| draft.commit())
        .hint_if_full("make room, then give the same command again")?;
    if page.missing > 0 {
        say(&format!(
            "warning: {} could not be shown: the page says why where one points at it; if they are not there, give the \
             command where the run was made\n",
            counted(page.missing, "picture")
        ));
    }
    match place.is_file() {
        true => output::line(&format!("page: {}", path.display())),
        false => Ok(()),
    }
}
