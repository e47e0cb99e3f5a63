//! What of a benchmark's official files a folder holds: which are there, in which version, how many items each has
//! and should have, which items are broken, and which of their pictures or films are missing.

mod coco_pictures;
mod expected;
mod found;

mod spec;
mod tasks;

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::benchmark::Benchmark;
use crate::error::Result;
use crate::media::MediaFiles;
use expected::Expected;

pub use found::Found;

/// What a folder holds of a benchmark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataReport {
    /// The benchmark.
    pub task: Benchmark,
    /// The folder.
    pub folder: String,
    /// What should be there, in order.
    pub files: Vec<Found>,
    /// What to know of the benchmark's files.
    pub notes: Vec<String>,
}

impl DataReport {
    /// Whether all that the paper's protocol needs is there and whole.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.files
            .iter()
            .all(|file| !file.required || file.is_whole())
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
        for note in &self.notes {
            write!(f, "\n  note: {note}")?;
        }
        Ok(())
    }
}

/// Looks through a folder for a benchmark's files.
///
/// Files may lie anywhere below the folder; the nearest of a name counts.
///
/// # Errors
///
/// The folder cannot be read. What is wrong with a file in it is part of the report.
pub fn check_data(task: Benchmark, folder: &Path) -> Result<DataReport> {
    let media = MediaFiles::below(folder)?;
    let spec = tasks::spec(task);
    let look = |expected: &Expected| expected.look(folder, &media);
    Ok(DataReport {
        task,
        folder: folder.display().to_string(),
        files: spec.files.iter().map(look).collect(),
        notes: spec.notes.iter().map(|&note| note.to_owned()).collect(),
    })
}
