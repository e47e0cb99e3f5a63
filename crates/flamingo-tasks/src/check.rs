//! What of a benchmark's official files a folder holds: which are there, in which version, how many items each has
//! and should have, which items are broken, and which of their pictures or films are missing.

mod expected;
mod media;
mod tasks;

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::error::Result;
use crate::ids::Names;
use crate::task::Task;
use expected::Expected;
use media::MediaFiles;

/// What a folder holds of a benchmark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataReport {
    /// The benchmark.
    pub task: Task,
    /// The folder.
    pub folder: String,
    /// What should be there, in order.
    pub files: Vec<Found>,
    /// What to know of the benchmark's files.
    pub notes: Vec<String>,
}

/// One of a benchmark's files.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Found {
    /// The official name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Whether a score in the paper's protocol needs it.
    pub required: bool,
    /// The path found, within the folder.
    pub path: Option<String>,
    /// What version that is, if another than the official name's.
    pub version: Option<String>,
    /// How many items it holds.
    pub items: usize,
    /// How many it officially has.
    pub official: Option<usize>,
    /// Why it cannot be read.
    pub error: Option<String>,
    /// Items that lack a field, with the first of them.
    pub broken: Names,
    /// Items whose picture or film is not there.
    pub without_media: Names,
    /// Items whose picture or film is there.
    pub with_media: usize,
}

impl Found {
    /// Whether it is there, whole, with a picture or film for each item if it has any at all.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let counts = self.official.is_none_or(|official| official == self.items);
        let whole = self.error.is_none() && self.broken.count == 0 && self.without_media.count == 0;
        self.path.is_some() && whole && counts
    }
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

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Some(path) = &self.path else {
            let need = if self.required {
                "missing"
            } else {
                "not there"
            };
            return write!(f, "{need}: {} ({})", self.name, self.purpose);
        };
        let state = if self.is_whole() { "ok" } else { "look" };
        write!(
            f,
            "{state}: {path} ({}), {} items",
            self.purpose, self.items
        )?;
        if let Some(official) = self.official.filter(|&official| official != self.items) {
            write!(f, " of {official}")?;
        }
        if let Some(version) = &self.version {
            write!(f, "; {version}")?;
        }
        if let Some(error) = &self.error {
            write!(f, "; {error}")?;
        }
        if self.broken.count > 0 {
            write!(f, "; broken: {}", self.broken)?;
        }
        if self.with_media + self.without_media.count > 0 {
            write!(f, "; {} with a picture or film", self.with_media)?;
        }
        if self.without_media.count > 0 {
            write!(f, ", without: {}", self.without_media)?;
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
pub fn check_data(task: Task, folder: &Path) -> Result<DataReport> {
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
