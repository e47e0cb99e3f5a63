//! The folder of a run: what it is, what of it is done, and what came of it.
//!
//! - `run.json`: what is run; a run that is another one is refused.
//! - `parts/UNIT.jsonl`: the samples of a unit, written whole when all of them are there. A run that was killed at any
//!   point goes on with the units that are not there.
//! - `samples/CELL.jsonl`: all samples of a cell, in the task's order, once all units are there.
//! - `results.json`, written last.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use flamingo_files::Draft;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::example::Form;
use super::plan::{Cell, Plan, RunOptions, Unit};
use super::sample::Sample;
use crate::{Error, Result};

const RUN: &str = "run.json";
const RESULTS: &str = "results.json";
const PARTS: &str = "parts";
const SAMPLES: &str = "samples";

/// What a run is: two runs of which all of this is equal have equal samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// The task's name.
    pub task: String,
    /// Its folder or file, as it was given.
    pub data: String,
    /// The model, as it was given.
    pub model: String,
    /// What the model makes of one fixed document: it changes with the weights and their type.
    pub model_fingerprint: String,
    /// Of the supports and queries.
    pub data_fingerprint: String,
    /// Which prompts (`paper`, `open-flamingo`).
    pub preset: String,
    /// The rules of metrics that official versions disagree about.
    pub rules: String,
    /// How shots are chosen: `random`, or `rices` and the tower by which.
    pub selection: String,
    /// Which frames of films are seen: how many a second, and how many at most.
    pub films: String,
    /// How many supports there are.
    pub supports: usize,
    /// How many queries there are.
    pub queries: usize,
    /// What is asked.
    pub options: RunOptions,
    /// How prompts are made and answered.
    pub form: Form,
    /// The program's version.
    pub version: String,
}

/// The folder of a run.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    worker: u32,
}

impl RunFolder {
    /// The folder for this run, with what is done of it; `worker` is this process among those that share it.
    ///
    /// # Errors
    /// If it holds another run, or cannot be written.
    pub fn open(path: &Path, run: &RunFile, worker: u32) -> Result<Self> {
        let folder = Self {
            path: path.to_path_buf(),
            worker,
        };
        make_folder(path)?;
        let wanted = serde_json::to_value(run).map_err(|error| Error::Folder(error.to_string()))?;
        match folder.read_json(RUN)? {
            Some(found) => same(path, &found, &wanted)?,
            None => folder.write_json(RUN, &wanted)?,
        }
        // What killed processes left.
        flamingo_files::sweep(path)?;
        Ok(folder)
    }

    /// Whether the samples of a unit are there, all and whole.
    pub(super) fn is_done(
        &self,
        number: usize,
        unit: &Unit,
        ids: &dyn Fn(usize) -> String,
    ) -> bool {
        let Ok(samples) = self.part(number) else {
            return false;
        };
        let wanted: Vec<(String, Cell)> = unit
            .samples()
            .map(|(query, cell)| (ids(query), cell))
            .collect();
        let found = samples
            .iter()
            .map(|sample| (sample.id.clone(), sample.cell));
        found.eq(wanted)
    }

    /// Keeps the samples of a unit.
    pub(super) fn keep(&self, number: usize, samples: &[Sample]) -> Result<()> {
        make_folder(&self.path.join(PARTS))?;
        let mut draft = Draft::numbered(&self.part_path(number), self.worker)?;
        for sample in samples {
            draft.add(line(sample)?.as_bytes())?;
        }
        Ok(draft.commit()?)
    }

    fn part_path(&self, number: usize) -> PathBuf {
        self.path.join(PARTS).join(format!("{number:06}.jsonl"))
    }

    fn part(&self, number: usize) -> Result<Vec<Sample>> {
        read_samples(&self.part_path(number))
    }

    /// The samples of each cell, in order.
    pub(super) fn gather(&self, plan: &Plan) -> Result<BTreeMap<Cell, Vec<Sample>>> {
        let mut all: BTreeMap<Cell, Vec<Sample>> = BTreeMap::new();
        for number in 0..plan.units.len() {
            for sample in self.part(number)? {
                all.entry(sample.cell).or_default().push(sample);
            }
        }
        Ok(all)
    }

    /// Writes the samples of a cell.
    pub(super) fn keep_cell(&self, cell: &Cell, samples: &[Sample]) -> Result<()> {
        make_folder(&self.path.join(SAMPLES))?;
        let path = self.path.join(SAMPLES).join(cell.file_name());
        let mut draft = Draft::numbered(&path, self.worker)?;
        for sample in samples {
            draft.add(line(sample)?.as_bytes())?;
        }
        Ok(draft.commit()?)
    }

    /// Writes another file of the folder.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        if let Some(parent) = path.parent() {
            make_folder(parent)?;
        }
        let mut draft = Draft::numbered(&path, self.worker)?;
        draft.add(bytes)?;
        Ok(draft.commit()?)
    }

    /// Writes the results; the run is finished.
    pub(super) fn finish(&self, results: &impl Serialize) -> Result<()> {
        let value =
            serde_json::to_value(results).map_err(|error| Error::Folder(error.to_string()))?;
        self.write_json(RESULTS, &value)
    }

    /// Removes the parts, which the samples hold, too; for one that has the folder alone.
    pub(super) fn clean(&self) {
        // What stays is only in the way.
        let _ = fs::remove_dir_all(self.path.join(PARTS));
    }

    /// The results as they were written; none if the run is not finished.
    pub(super) fn results<T: for<'de> Deserialize<'de>>(&self) -> Result<Option<T>> {
        read_results(&self.path)
    }

    fn read_json(&self, name: &str) -> Result<Option<Value>> {
        read_json(&self.path.join(name))
    }

    fn write_json(&self, name: &str, value: &Value) -> Result<()> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Error::Folder(error.to_string()))?;
        self.write(name, format!("{text}\n").as_bytes())
    }
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path)
        .map_err(|error| Error::Folder(format!("cannot create {}: {error}", path.display())))
}

/// What a folder's run is.
///
/// # Errors
/// If the folder holds no run.
pub fn read_run(path: &Path) -> Result<RunFile> {
    let none = || {
        Error::Folder(format!(
            "{} holds no run: there is no {RUN}",
            path.display()
        ))
    };
    let value: Value = read_json(&path.join(RUN))?.ok_or_else(none)?;
    serde_json::from_value(value)
        .map_err(|error| Error::Folder(format!("{}: {error}", path.join(RUN).display())))
}

/// A run's results; none if it is not finished.
///
/// # Errors
/// If the file is damaged.
pub fn read_results<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>> {
    read_json(&path.join(RESULTS))
}

/// The samples files of a run, by cell.
///
/// # Errors
/// If they cannot be read.
pub fn read_cells(path: &Path) -> Result<BTreeMap<Cell, Vec<Sample>>> {
    let folder = path.join(SAMPLES);
    let unreadable = |error| Error::Folder(format!("cannot read {}: {error}", folder.display()));
    let mut names: Vec<PathBuf> = fs::read_dir(&folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(unreadable)?;
    names.retain(|name| name.extension().is_some_and(|end| end == "jsonl"));
    names.sort();
    let mut cells: BTreeMap<Cell, Vec<Sample>> = BTreeMap::new();
    for name in names {
        for sample in read_samples(&name)? {
            cells.entry(sample.cell).or_default().push(sample);
        }
    }
    Ok(cells)
}

/// The samples of a file.
///
/// # Errors
/// If it cannot be read, or a line is none.
pub fn read_samples(path: &Path) -> Result<Vec<Sample>> {
    let text = fs::read_to_string(path)
        .map_err(|error| Error::Folder(format!("cannot read {}: {error}", path.display())))?;
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| {
                let number = number + 1;
                Error::Folder(format!("{}, line {number}: {error}", path.display()))
            })
        })
        .collect()
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            Error::Folder(format!(
                "{} is damaged: {error}: remove it and give the same command again",
                path.display()
            ))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Folder(format!(
            "cannot read {}: {error}",
            path.display()
        ))),
    }
}

fn line(sample: &Sample) -> Result<String> {
    let line = serde_json::to_string(sample).map_err(|error| Error::Folder(error.to_string()))?;
    Ok(line + "\n")
}

/// Refuses a folder of another run: the first field that differs, with both values.
fn same(path: &Path, found: &Value, wanted: &Value) -> Result<()> {
    let Some((field, found, wanted)) = first_difference("", found, wanted) else {
        return Ok(());
    };
    Err(Error::Folder(format!(
        "{} holds another run: its {field} is {found}, not {wanted}: give another folder, or remove this one",
        path.display()
    )))
}

fn first_difference(name: &str, found: &Value, wanted: &Value) -> Option<(String, String, String)> {
    if found == wanted {
        return None;
    }
    if let (Value::Object(found), Value::Object(wanted)) = (found, wanted) {
        let names = found.keys().chain(wanted.keys());
        return names.into_iter().find_map(|field| {
            let full = match name {
                "" => field.clone(),
                name => format!("{name}.{field}"),
            };
            let of =
                |of: &serde_json::Map<String, Value>| of.get(field).cloned().unwrap_or_default();
            first_difference(&full, &of(found), &of(wanted))
        });
    }
    Some((name.to_owned(), found.to_string(), wanted.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn run() -> RunFile {
        RunFile {
            task: "own".into(),
            data: "own.jsonl".into(),
            model: "demo".into(),
            model_fingerprint: "a".into(),
            data_fingerprint: "b".into(),
            preset: "paper".into(),
            rules: "official".into(),
            selection: "random".into(),
            films: "3 a second, 30 at most".into(),
            supports: 7,
            queries: 19,
            options: RunOptions::default(),
            form: Form::default(),
            version: "0".into(),
        }
    }

    fn sample(id: usize, cell: Cell) -> Sample {
        Sample {
            id: id.to_string(),
            cell,
            shot_ids: Vec::new(),
            parts: Vec::new(),
            other_orders: Vec::new(),
            candidates: Vec::new(),
            log_likelihoods: Vec::new(),
            raw: String::new(),
            answer: String::new(),
            references: Vec::new(),
            score: None,
            error: None,
        }
    }

    #[test]
    fn another_run_is_refused_by_the_field_that_differs() {
        let folder = tempfile::tempdir().unwrap();
        RunFolder::open(folder.path(), &run(), 0).unwrap();
        RunFolder::open(folder.path(), &run(), 1).unwrap();
        let mut other = run();
        other.options.shots = vec![2];
        let told = RunFolder::open(folder.path(), &other, 0)
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("its options.shots is [0,4,8,16,32], not [2]"),
            "{told}"
        );
        assert_eq!(read_run(folder.path()).unwrap(), run());
    }

    #[test]
    fn a_part_that_is_cut_or_anothers_is_not_done_and_samples_are_gathered_in_order() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(place.path(), &run(), 0).unwrap();
        let options = RunOptions {
            shots: vec![1, 2],
            ..RunOptions::default()
        };
        let plan = Plan::new(&options, 19, 0);
        let ids = |query: usize| query.to_string();
        for (number, unit) in plan.units.iter().enumerate().rev() {
            assert!(!folder.is_done(number, unit, &ids));
            let samples: Vec<Sample> = unit
                .samples()
                .map(|(query, cell)| sample(query, cell))
                .collect();
            folder.keep(number, &samples).unwrap();
            assert!(folder.is_done(number, unit, &ids));
        }
        let path = folder.part_path(1);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 30]).unwrap();
        assert!(!folder.is_done(1, &plan.units[1], &ids));
        let first_line = whole.iter().position(|&byte| byte == b'\n').unwrap();
        fs::write(&path, &whole[first_line + 1..]).unwrap();
        assert!(!folder.is_done(1, &plan.units[1], &ids));
        fs::write(&path, &whole).unwrap();
        let gathered = folder.gather(&plan).unwrap();
        assert_eq!(gathered.len(), 2);
        for samples in gathered.values() {
            let ids: Vec<String> = samples.iter().map(|sample| sample.id.clone()).collect();
            assert_eq!(ids, (0..19).map(|id| id.to_string()).collect::<Vec<_>>());
        }
        for (cell, samples) in &gathered {
            folder.keep_cell(cell, samples).unwrap();
        }
        assert_eq!(read_cells(place.path()).unwrap(), gathered);
    }
}
