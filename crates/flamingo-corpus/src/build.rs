//! A corpus from its configuration: four stages, each of which can be stopped and taken up again.
//!
//! `read` and `write` do a unit at a time, units in turn among the workers; `join` and `finish` are done once, by the
//! first worker, when all units of the stage before are there. Each output is written whole or not at all and names
//! the settings that it depends on, so a build that was killed goes on where it was, and one whose thresholds were
//! changed does again what depends on them.

mod blob;
mod examine;
mod fetch;
mod films;
mod finish;
mod global;
mod inline;
mod join;
mod judge;
mod read;
pub(crate) mod report;
mod texts;
mod times;
mod units;
mod wait;
mod write;

use std::sync::Mutex;
use std::time::Duration;

use flamingo_crawl::{Fetcher, Unit};
use rayon::ThreadPool;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::filters::Filters;
use crate::folder::{self, Folder};
use crate::images::{EvaluationIndex, Rules};
use crate::permission::Permission;
use crate::progress::{Meter, Progress};
use crate::towers::{TowerError, TowerFailure, TowerFilters};
use crate::worker::Worker;

pub use crate::funnel::Counts;
pub use crate::stage::Stage;
pub use crate::towers::BoxedTower;
pub use global::Global;
pub(crate) use judge::place;
pub use report::{JoinReport, ReadReport, Sample, WriteReport};
pub use times::Times;
pub use units::Units;
pub(crate) use write::{decisions, keep_most, keep_smallest};

/// What a build is given by the program: nothing of it is made here.
pub struct Parts<'a> {
    /// The step over all units.
    pub global: &'a dyn Global,
    /// Makes the image tower of this name, if a configuration asks for one.
    pub tower: &'a (dyn Fn(&str) -> Result<BoxedTower, TowerFailure> + Sync),
    /// Is told how far the build is.
    pub progress: &'a dyn Progress,
}

/// How a build is run; nothing of it changes what is built.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which part of the units is this process's.
    pub worker: Worker,
    /// The one stage to run; all in turn without it.
    pub stage: Option<Stage>,
    /// The first stage that may be done again with another configuration.
    pub redo: Option<Stage>,
    /// Threads; 0 for one a core.
    pub threads: usize,
    /// How long to wait for other workers.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            worker: Worker::default(),
            stage: None,
            redo: None,
            threads: 0,
            patience: Duration::from_secs(24 * 3600),
        }
    }
}

/// Builds the corpus of a configuration in a folder, or what is missing of it.
///
/// # Errors
///
/// When the configuration cannot be used or is not that of the folder, when an input or the folder cannot be read or
/// written, and when other workers' units do not come.
pub fn build(config: &Config, folder: &Folder, options: &Options, parts: &Parts<'_>) -> Result<()> {
    folder.sweep()?;
    settle(config, folder, options.redo)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads);
    let pool = pool
        .build()
        .map_err(|error| Error::Config(format!("threads = {}: {error}", options.threads)))?;
    let units = Units::of(config, folder)?;
    let build = Build {
        config,
        folder,
        options,
        units: &units,
        pool: &pool,
        parts,
    };
    let stages = Stage::ALL.into_iter();
    let mut stages = stages.filter(|stage| options.stage.is_none_or(|only| only == *stage));
    stages.try_for_each(|stage| build.run(stage))
}

/// Makes the folder this configuration's, if it may be.
fn settle(config: &Config, folder: &Folder, redo: Option<Stage>) -> Result<()> {
    if folder.has(folder::CONFIG) {
        let bytes = folder.read(folder::CONFIG)?;
        let text = String::from_utf8_lossy(&bytes);
        let stored = Config::parse(&text, folder.root())
            .map_err(|error| Error::content(folder.path(folder::CONFIG), error))?;
        match config.first_difference(&stored) {
            None => return Ok(()),
            Some(difference) if difference.stage < Stage::Finish => {
                if difference.stage == Stage::Read
                    || redo.is_none_or(|redo| redo > difference.stage)
                {
                    return Err(other_configuration(folder, difference));
                }
            }
            Some(_) => {}
        }
    }
    folder.write(folder::CONFIG, config.to_toml().as_bytes())
}

fn other_configuration(folder: &Folder, difference: crate::config::Difference) -> Error {
    let advice = match difference.stage {
        Stage::Read => "this changes what is read: give another --output".to_owned(),
        stage => format!(
            "give --redo {} to do that stage and those behind it again, or another --output",
            stage.name()
        ),
    };
    Error::OtherConfiguration {
        folder: folder.root().to_owned(),
        key: difference.key,
        theirs: difference.theirs,
        ours: difference.ours,
        advice,
    }
}

/// What all stages share.
struct Build<'a> {
    config: &'a Config,
    folder: &'a Folder,
    options: &'a Options,
    units: &'a Units,
    pool: &'a ThreadPool,
    parts: &'a Parts<'a>,
}

impl Build<'_> {
    fn run(&self, stage: Stage) -> Result<()> {
        let is_first = self.options.worker.is_first();
        match stage {
            Stage::Read => self.read(),
            Stage::Join if is_first => {
                self.wait(Stage::Read, 0..self.units.len())?;
                self.join()
            }
            Stage::Write => {
                self.wait(Stage::Join, 0..1)?;
                self.write()
            }
            Stage::Finish if is_first => {
                self.wait(Stage::Write, 0..self.units.len())?;
                finish::finish(self.config, self.folder, self.units)
            }
            Stage::Join | Stage::Finish => Ok(()),
        }
    }

    fn read(&self) -> Result<()> {
        let todo = self.todo(Stage::Read);
        if todo.is_empty() {
            return Ok(());
        }
        let meter = self.meter(Stage::Read, &todo)?;
        let reader = read::Reader {
            config: self.config,
            folder: self.folder,
            permission: Permission::new(&self.config.fetch)?,
            filters: Filters::new(self.config.filters.clone(), self.folder.root())?,
            fetcher: self.fetcher(&todo)?,
            settings: self.config.fingerprint(Stage::Read),
            meter: &meter,
        };
        for unit in todo {
            self.pool
                .install(|| reader.read(unit, self.units.get(unit)))?;
            meter.unit();
        }
        Ok(())
    }

    fn join(&self) -> Result<()> {
        let joiner = join::Joiner {
            config: self.config,
            folder: self.folder,
            units: self.units.len(),
            global: self.parts.global,
        };
        self.pool.install(|| joiner.join())
    }

    /// One that fetches what these units ask for, if they do.
    fn fetcher(&self, todo: &[u32]) -> Result<Option<Fetcher>> {
        let is_list = |unit: &u32| matches!(self.units.get(*unit), Unit::Urls { .. });
        let asked = self.config.input.fetch_images || todo.iter().any(is_list);
        let fetcher = asked.then(|| Fetcher::new(self.config.fetch.clone()));
        Ok(fetcher.transpose()?)
    }

    fn write(&self) -> Result<()> {
        let todo = self.todo(Stage::Write);
        if todo.is_empty() {
            return Ok(());
        }
        let meter = self.meter(Stage::Write, &todo)?;
        let evaluation = EvaluationIndex::read(&self.config.evaluation)?;
        let judge = judge::Judge {
            rules: Rules::new(&self.config.images),
            filters: Filters::new(self.config.filters.clone(), self.folder.root())?,
            evaluation: (!evaluation.is_empty()).then_some(evaluation),
            towers: self.towers()?.map(Mutex::new),
            images: self.config.images.clone(),
            pairs: judge::Pairs::new(self.config),
            options: self.config.read_options(),
        };
        let writer = write::UnitWriter {
            folder: self.folder,
            output: &self.config.output,
            settings: self.config.fingerprint(Stage::Write),
            judge: &judge,
            meter: &meter,
        };
        for unit in todo {
            self.pool.install(|| writer.write(unit))?;
            meter.unit();
        }
        Ok(())
    }

    /// The filters of the tower that the configuration names.
    fn towers(&self) -> Result<Option<TowerFilters<BoxedTower>>> {
        let config = &self.config.towers;
        let Some(name) = &config.tower else {
            return Ok(None);
        };
        let tower = (self.parts.tower)(name).map_err(TowerError::Failed)?;
        Ok(Some(TowerFilters::new(tower, config, self.folder.root())?))
    }

    /// This worker's units whose reports are missing or of other settings.
    fn todo(&self, stage: Stage) -> Vec<u32> {
        let settings = self.config.fingerprint(stage);
        (0..self.units.len())
            .filter(|unit| self.options.worker.has(*unit))
            .filter(|unit| !report::is_done(self.folder, stage, *unit, &settings))
            .collect()
    }

    fn meter(&self, stage: Stage, todo: &[u32]) -> Result<Meter<'_>> {
        let bytes = match stage {
            Stage::Read => todo.iter().map(|unit| self.units.bytes(*unit)).sum(),
            _ => None,
        };
        Ok(Meter::new(self.parts.progress, stage, todo.len(), bytes))
    }

    fn wait(&self, stage: Stage, units: std::ops::Range<u32>) -> Result<()> {
        let settings = self.config.fingerprint(stage);
        let done = |unit| report::is_done(self.folder, stage, unit, &settings);
        wait::wait(stage, units, done, self.options.patience, || {
            self.parts.progress.waiting(stage);
        })
    }
}

#[cfg(test)]
mod tests;
