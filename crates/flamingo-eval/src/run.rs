//! The paper's protocol: shots chosen, prompts made, answers judged, in a folder that a killed run goes on with.

mod ablation;
mod asking;
mod example;
mod fingerprint;
mod folder;
mod media;
mod plan;
mod prompt;
mod results;
mod sample;
mod selection;
mod task;

use flamingo_corpus::worker::Worker;
use flamingo_engine::{Engine, MediaSource};

pub use ablation::Ablation;
pub use asking::Selection;
pub use example::{Example, Form, Judge, Judgement, Reply, Suite, Value};
pub use fingerprint::{data_fingerprint, model_fingerprint};
pub use folder::{RunFile, RunFolder, read_cells, read_results, read_run, read_samples};
pub(crate) use media::load;
pub use media::{TaskMedia, shown};
pub use plan::{Cell, RunOptions};
pub(crate) use prompt::{prompt_document, shot_document};
pub use results::{CellResult, Curve, Icl, Point, Results};
pub use sample::Sample;
pub use selection::{orders, random_shots};
pub use task::TaskRun;

use crate::{Progress, Result};
use asking::Asking;
use plan::Plan;

/// A run of a task: what is asked, how, and which part of it is this process's.
pub struct Run<'a> {
    suite: Suite<'a>,
    options: RunOptions,
    selection: Selection,
    plan: Plan,
    worker: Worker,
}

/// What a process that has done its part leaves.
#[derive(Debug)]
pub enum Ended {
    /// All of it is done.
    Finished(Box<Results>),
    /// Other workers are not done: this many units are missing.
    Waiting(usize),
}

impl<'a> Run<'a> {
    /// The run of a task.
    ///
    /// # Errors
    /// If something is asked for that the task does not have.
    pub fn new(
        suite: Suite<'a>,
        options: &RunOptions,
        selection: Selection,
        worker: Worker,
    ) -> Result<Self> {
        let options = Self::options_for(&suite, options)?;
        let plan = Plan::new(&options, suite.queries.len(), suite.text_only_shots());
        Ok(Self {
            suite,
            options,
            selection,
            plan,
            worker,
        })
    }

    /// The options for a task, in order and without repetitions.
    ///
    /// # Errors
    /// If something is asked for that the task does not have.
    pub fn options_for(suite: &Suite<'_>, options: &RunOptions) -> Result<RunOptions> {
        options.checked(suite.most_shots(), suite.queries.len(), suite.is_closed())
    }

    /// The options in order and without repetitions.
    pub fn options(&self) -> &RunOptions {
        &self.options
    }

    /// The task.
    pub fn suite(&self) -> &Suite<'a> {
        &self.suite
    }

    /// The units that are this worker's and not done.
    fn to_do(&self, folder: &RunFolder) -> Vec<usize> {
        let units = self.plan.units.iter().enumerate();
        let own = units.filter(|(number, _)| self.worker.has(*number as u32));
        own.filter(|(number, unit)| !folder.is_done(*number, unit, &self.id()))
            .map(|(number, _)| number)
            .collect()
    }

    fn id(&self) -> impl Fn(usize) -> String + '_ {
        |query| self.suite.queries[query].id.clone()
    }

    /// Samples that this worker still has to ask: the length of a progress bar.
    pub fn samples_to_ask(&self, folder: &RunFolder) -> usize {
        let units = self.to_do(folder).into_iter();
        units.map(|number| self.plan.units[number].len()).sum()
    }

    /// Samples of the whole run.
    pub fn samples(&self) -> usize {
        self.plan.samples()
    }

    /// Asks what is not done, and gathers the results if nothing is missing then. `ahead` requests are in the
    /// engine's queue at once; the samples do not depend on it.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn go(
        &self,
        engine: &mut Engine,
        source: &dyn MediaSource,
        folder: &RunFolder,
        file: &RunFile,
        ahead: usize,
        progress: Progress<'_>,
    ) -> Result<Ended> {
        if let Some(results) = folder.results::<Results>()? {
            return Ok(Ended::Finished(Box::new(results)));
        }
        let asking = Asking {
            own_support: asking::own_supports(&self.suite),
            suite: &self.suite,
            options: &self.options,
            selection: &self.selection,
            plan: &self.plan,
        };
        asking.ask(
            engine,
            source,
            folder,
            &self.to_do(folder),
            ahead.max(1),
            progress,
        )?;
        let units = self.plan.units.iter().enumerate();
        let missing = units.filter(|(number, unit)| !folder.is_done(*number, unit, &self.id()));
        match missing.count() {
            0 => self.finish(folder, file),
            missing => Ok(Ended::Waiting(missing)),
        }
    }

    fn finish(&self, folder: &RunFolder, file: &RunFile) -> Result<Ended> {
        let mut cells = folder.gather(&self.plan)?;
        let mut results = results::results(file.clone(), &mut cells, self.suite.judge);
        for (cell, samples) in &cells {
            folder.keep_cell(cell, samples)?;
            if let Err(note) = self.submission(folder, cell, samples)? {
                results.notes.push(format!("no submission: {note}"));
            }
        }
        results.notes.dedup();
        folder.finish(&results)?;
        if self.worker.count == 1 {
            folder.clean();
        }
        Ok(Ended::Finished(Box::new(results)))
    }

    /// The cell's answers in the benchmark's form of submission, where it has one.
    fn submission(
        &self,
        folder: &RunFolder,
        cell: &Cell,
        samples: &[Sample],
    ) -> Result<Result<(), String>> {
        if cell.ablation.is_some() {
            return Ok(Ok(()));
        }
        let replies: Vec<(usize, Reply)> = samples
            .iter()
            .enumerate()
            .filter(|(_, sample)| sample.error.is_none())
            .map(|(query, sample)| (query, asking::reply(sample)))
            .collect();
        let replies: Vec<(usize, &Reply)> = replies
            .iter()
            .map(|(query, reply)| (*query, reply))
            .collect();
        let (ending, bytes) = match self.suite.judge.submission(&replies) {
            Ok(Some(made)) => made,
            Ok(None) => return Ok(Ok(())),
            Err(note) => return Ok(Err(note)),
        };
        let place = cell.file_name();
        let place = place.trim_end_matches(".jsonl");
        folder.write(&format!("submissions/{place}.{ending}"), &bytes)?;
        Ok(Ok(()))
    }
}
