//! What of a benchmark's official files a folder holds: which are there, in which version, how many items each has
//! and should have, which items are broken, and which of their pictures or films are missing; and what of them would
//! be asked and shown.

mod coco_pictures;
mod expected;
mod found;
mod reading;
mod spec;
mod tasks;

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::data::DataFolder;
use crate::error::Result;
use crate::task::Task;

pub use found::Found;
pub use reading::{Reading, SetReading};

/// What a folder holds of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataReport {
    /// The task.
    pub task: &'static str,
    /// The folder.
    pub folder: String,
    /// What should be there, in order; nothing of a user's own task.
    pub files: Vec<Found>,
    /// What would be asked and shown.
    pub reading: Reading,
    /// What to know of the benchmark's files.
    pub notes: Vec<String>,
}

impl DataReport {
    /// Whether all that the paper's protocol needs is there and whole.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let files = self.files.iter();
        let mut needed = files.filter(|file| file.required);
        needed.all(Found::is_whole) && self.reading.is_whole()
    }
}

impl fmt::Display for DataReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let state = if self.is_ready() {
            "ready"
        } else {
            "not ready"
        };
        write!(f, "{} in {}: {state}", self.task, self.folder)?;
        for file in &self.files {
            write!(f, "\n  {file}")?;
        }
        write!(f, "{}", self.reading)?;
        for note in &self.notes {
            write!(f, "\n  note: {note}")?;
        }
        Ok(())
    }
}

/// Looks through a folder for a task's files, and reads the queries of a split (the task's first if none is named) and
/// all supports.
///
/// Files may lie anywhere below the folder; the nearest of a name counts.
///
/// # Errors
///
/// The folder cannot be read. What is wrong with a file in it is part of the report.
pub fn check_data(task: &dyn Task, folder: &Path, split: Option<&str>) -> Result<DataReport> {
    let data = DataFolder::new(folder);
    let spec = task.benchmark().map(tasks::spec);
    let mut files = Vec::new();
    for expected in spec.as_ref().map_or(&[][..], |spec| spec.files) {
        files.push(expected.look(folder, data.files()?));
    }
    let notes = spec.as_ref().map_or(&[][..], |spec| spec.notes);
    Ok(DataReport {
        task: task.name(),
        folder: folder.display().to_string(),
        files,
        reading: Reading::of(task, &data, split),
        notes: notes.iter().map(|&note| note.to_owned()).collect(),
    })
}
