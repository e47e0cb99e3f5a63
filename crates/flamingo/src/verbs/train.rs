//! `flamingo train`: carries out a recipe.

mod fine_tune;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use flamingo::film::Ffmpeg;
use flamingo::train::{
    self, InitPart, Line, ModelSpec, Observer, Options, Recipe, Resume, Silent, StepEvent, Summary,
    Together, plot,
};
use flamingo::weights::is_hub_id;
use indicatif::{HumanDuration, ProgressBar};
use tracing::{info, warn};

use crate::args::DeviceArgs;
use crate::failure::{Failure, Kind, Result};
use crate::{ffmpeg, interrupt, output, part_files, sources, store_settings, together, writer};
use fine_tune::FineTuneArgs;

/// Train a model by a recipe, or fine-tune one on your own pictures.
///
/// The recipe names the run folder; figures, curves, checkpoints and the finished model go there. --finetune makes a
/// recipe from what --data holds, and writes it there, too.
/// Ctrl-C saves the state and stops; --resume goes on from there to the same bits.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flamingo train --finetune photos --data my-photos --out my-run\n  \
                        flamingo ask --model photos --adapter my-run/adapter.safetensors --image new.jpg --text 'Output:'"
)]
pub(crate) struct TrainArgs {
    /// The recipe, a TOML file
    #[arg(value_name = "RECIPE.toml", conflicts_with = "finetune")]
    recipe: Option<PathBuf>,
    /// Go on from the newest checkpoint of the run folder, or begin if there is none
    #[arg(long)]
    resume: bool,
    /// A few steps on a few samples, in a folder of its own: is everything in place?
    #[arg(long)]
    smoke: bool,
    /// Write a page of a run, finished or not, into its folder, and train nothing: its losses, curves, data and recipe
    #[arg(long, value_name = "RUN", conflicts_with_all = ["recipe", "finetune", "resume", "smoke"])]
    plot: Option<PathBuf>,
    /// Most pixels of one picture, where the recipe does not say it [default: 64000000]
    #[arg(long, value_name = "N")]
    max_pixels: Option<u64>,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    fine_tune: FineTuneArgs,
}

pub(crate) fn run(args: &TrainArgs, threads: Option<usize>) -> Result<()> {
    if let Some(run) = &args.plot {
        return output::line(&format!("page: {}", plot(run)?.display()));
    }
    let together = together::begin()?;
    let ended = train_together(args, threads, &together);
    together::end(&*together, ended)
}

fn train_together(
    args: &TrainArgs,
    threads: Option<usize>,
    together: &Arc<dyn Together>,
) -> Result<()> {
    let mut recipe = match &args.recipe {
        Some(path) => Recipe::read(path)?,
        None => args.fine_tune.recipe()?,
    };
    let base = match &recipe.model {
        ModelSpec::FineTune(spec) => Some(sources::source(
            Some(&spec.base),
            spec.lm.as_deref(),
            spec.vision.as_deref(),
        )?),
        _ => None,
    };
    // A smoke run of a preset has parts of its own.
    let stands_in = args.smoke && recipe.preset().is_some();
    if let Some(init) = recipe.init.as_mut().filter(|_| !stands_in) {
        // A part may be an id of the hub.
        for part in [&mut init.vision, &mut init.language] {
            if let InitPart::Path(path) = part
                && !path.exists()
                && is_hub_id(&path.to_string_lossy())
            {
                *path = sources::part(&path.to_string_lossy())?;
            }
        }
    }
    for source in &mut recipe.data {
        source.max_pixels = source.max_pixels.or(args.max_pixels);
    }
    if args.smoke {
        recipe = recipe.smoke();
    }
    if let Some(threads) = threads {
        recipe.threads = threads;
    }
    let stop = interrupt::flag(format!(
        "what was saved last in {} stands; {}",
        recipe.run.display(),
        args.way_on(&recipe.run)
    ))?;
    let is_first = together.rank() == 0;
    // The first process alone writes.
    let _lock = is_first.then(|| writer::alone(&recipe.run)).transpose()?;
    if args.smoke {
        recipe = stood_in(recipe, together)?;
    }
    if let Some(init) = &recipe.init {
        part_files::bring_all(init)?;
    }
    let options = Options {
        together: together.clone(),
        device: args.device.open()?,
        parts: part_files::store(),
        base,
        ffmpeg: films(&stop),
        stores: store_settings::read(),
        resume: if args.resume {
            Resume::Newest
        } else {
            Resume::Fresh
        },
        stop,
    };
    let summary = if is_first {
        let mut line = ProgressLine::new(recipe.schedule.steps);
        let summary = train::train(&recipe, &options, &mut line);
        line.bar.finish_and_clear();
        summary
    } else {
        train::train(&recipe, &options, &mut Silent)
    };
    match summary {
        Err(error) => Err(args.failed(error, &recipe.run)),
        Ok(_) if !is_first => Ok(()),
        Ok(summary) => report(&summary, &recipe, args),
    }
}

/// The smoke run of a preset with what it takes, which the first process makes and tells.
fn stood_in(recipe: Recipe, together: &Arc<dyn Together>) -> Result<Recipe> {
    let is_first = together.rank() == 0;
    if !is_first {
        together.barrier();
    }
    let (recipe, made) = recipe.with_stand_ins()?;
    if is_first {
        together.barrier();
        for stand_in in made {
            output::line(&stand_in.to_string())?;
        }
    }
    Ok(recipe)
}

/// FFmpeg, which ends when the run is stopped.
fn films(stop: &Arc<AtomicBool>) -> Option<Ffmpeg> {
    let mut found = ffmpeg::find()?;
    found.stop = Some(stop.clone());
    Some(found)
}

impl TrainArgs {
    /// What a training failed with, and how to go on.
    fn failed(&self, error: train::Error, run: &Path) -> Failure {
        let next = match &error {
            train::Error::Run { .. } if !self.resume => {
                Some("--resume goes on with a run that was stopped".to_owned())
            }
            // What a run of such a recipe needs can come back.
            train::Error::Data(_) | train::Error::Io { .. } | train::Error::Absent { .. }
                if run.join("checkpoints").is_dir() =>
            {
                Some(format!("what was saved last stands; {}", self.way_on(run)))
            }
            _ => None,
        };
        let mut failure = Failure::from(error);
        failure.hint = match failure.kind {
            Kind::DiskFull => {
                let room = "make room: nothing that was saved is lost, and the same command with --resume goes on";
                Some(room.to_owned())
            }
            _ => next,
        };
        failure
    }

    /// How to go on with a run that was stopped.
    fn way_on(&self, run: &Path) -> String {
        let smoke = if self.smoke { " --smoke" } else { "" };
        match &self.recipe {
            Some(recipe) => format!(
                "go on with: flamingo train {}{smoke} --resume",
                recipe.display()
            ),
            // Of a smoke run, the recipe that lies there is cut down already.
            None => format!(
                "go on with: flamingo train {} --resume",
                run.join("recipe.toml").display()
            ),
        }
    }
}

fn report(summary: &Summary, recipe: &Recipe, args: &TrainArgs) -> Result<()> {
    if summary.model.is_none() {
        return Err(stopped(summary, args));
    }
    if let ModelSpec::FineTune(spec) = &recipe.model {
        return fine_tune::report(summary, recipe, spec);
    }
    let losses = summary
        .losses
        .iter()
        .map(|(source, loss)| format!("{source} {loss:.4}"));
    let losses = losses.collect::<Vec<_>>().join(", ");
    let folder = summary.folder.display();
    let elapsed = HumanDuration(summary.elapsed);
    output::line(&format!(
        "{} steps in {elapsed}; loss: {losses}",
        summary.steps
    ))?;
    output::line(&format!(
        "figures and curves: {folder}/metrics.jsonl, {folder}/curves.svg"
    ))?;
    match &summary.model {
        Some(model) => output::line(&format!("model: {}", model.display())),
        None => Ok(()),
    }
}

/// Ctrl-C came before the end.
fn stopped(summary: &Summary, args: &TrainArgs) -> Failure {
    let steps = summary.steps;
    Failure::stopped(match steps {
        0 => format!("before the first step; {}", args.way_on(&summary.folder)),
        _ => format!(
            "the state after step {steps} is saved in {}; {}",
            summary.folder.display(),
            args.way_on(&summary.folder)
        ),
    })
}

/// Loss, rate and time left; on a terminal as one line that is drawn anew, in the log every so often.
struct ProgressLine {
    bar: ProgressBar,
}

const BAR: &str = "{bar:24.cyan} {pos}/{len}  {msg}";

/// Steps between two lines of the log.
const LOGGED: u64 = 50;

impl ProgressLine {
    fn new(steps: u64) -> Self {
        Self {
            bar: output::bar(steps, BAR),
        }
    }
}

impl Observer for ProgressLine {
    fn stage(&mut self, what: &str, done: usize, total: usize) {
        self.bar.set_message(format!("{what}: {done} of {total}"));
        if done == total {
            info!("{what}: {total}");
        }
    }

    fn step(&mut self, event: &StepEvent) {
        let text = told(event);
        self.bar.set_position(event.step);
        if event.step.is_multiple_of(LOGGED) || event.step == event.steps {
            info!("step {} of {}: {text}", event.step, event.steps);
        }
        self.bar.set_message(text);
    }

    fn split(&mut self, source: &str, trained: usize, held_out: usize) {
        info!("{source}: {trained} samples to train on, {held_out} held out");
    }

    fn look(&mut self, line: &Line, best: bool) {
        let best = if best { ", the best so far" } else { "" };
        info!(
            "step {}: held out: {}{best}",
            line.step,
            fine_tune::seen(line)
        );
    }

    fn checkpoint(&mut self, step: u64, path: &Path) {
        info!("step {step}: saved {}", path.display());
    }

    fn damaged(&mut self, aside: &Path, problem: &str, used: &Path) {
        warn!(
            "a checkpoint is damaged ({problem}): it is put aside as {}, and the run goes on from the one before it, {}",
            aside.display(),
            used.display()
        );
    }
}

fn told(event: &StepEvent) -> String {
    let losses = event
        .losses
        .iter()
        .map(|(source, loss)| format!("{source} {loss:.3}"));
    format!(
        "{}  rate {:.2e}  {:.0}/s  {} left",
        losses.collect::<Vec<_>>().join(" "),
        event.rate,
        event.targets_per_second,
        clock(event.left)
    )
}

/// `1:02:03`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_with_its_losses_rate_and_time_left() {
        let event = StepEvent {
            step: 7,
            steps: 11,
            losses: vec![("pages".into(), 1.23456), ("pairs".into(), 0.5)],
            rate: 0.00125,
            norm: 1.0,
            targets_per_second: 1234.4,
            left: Duration::from_secs(3723),
        };
        assert_eq!(
            told(&event),
            "pages 1.235 pairs 0.500  rate 1.25e-3  1234/s  1:02:03 left"
        );
    }
}
