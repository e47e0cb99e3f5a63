//! What of a benchmark's official files a folder holds: which are there, in which version, how many items each has
//! and officially has; and what a run would ask and show of them, by the same reading as a run's.

mod expected;
mod found;
mod reading;
mod spec;
mod tasks;

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::counted::counted;
use crate::data::DataFolder;
use crate::error::Result;
use crate::task::{ReadOptions, Task};

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
    /// Whether a run would ask something and leave out nothing. Files of other splits, and how many items there are
    /// officially, are told but do not count.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.reading.can_be_run() && self.reading.left_out() == 0
    }

    /// In a few words.
    #[must_use]
    pub fn state(&self) -> String {
        match (self.reading.can_be_run(), self.reading.left_out()) {
            (false, _) => "cannot be run".to_owned(),
            (true, 0) => "ready".to_owned(),
            (true, left_out) => format!(
                "can be run, without {} that cannot be used",
                counted(left_out, "entry")
            ),
        }
    }
}

impl fmt::Display for DataReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} in {}: {}", self.task, self.folder, self.state())?;
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

/// Looks through a folder for a task's files, and reads queries and supports as a run with these options.
///
/// Files may lie anywhere below the folder; the nearest of a name counts.
///
/// # Errors
///
/// The folder cannot be read. What is wrong with a file in it is part of the report.
pub fn check_data(task: &dyn Task, folder: &Path, options: &ReadOptions) -> Result<DataReport> {
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
        reading: Reading::of(task, &data, options),
        notes: notes.iter().map(|&note| note.to_owned()).collect(),
    })
}
