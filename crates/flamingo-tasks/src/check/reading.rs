//! What would be asked and shown.

use std::fmt;

use serde::Serialize;

use crate::data::DataFolder;
use crate::example::{Dropped, Set};
use crate::task::{ReadOptions, Task};

/// Supports and queries as a run would read them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Reading {
    /// The split of the queries.
    pub split: String,
    /// Why there are none.
    pub error: Option<String>,
    /// What shots are drawn from.
    pub supports: SetReading,
    /// What is asked.
    pub queries: SetReading,
    /// What to know of this data.
    pub notes: Vec<String>,
}

/// Supports or queries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SetReading {
    /// Of which files or split.
    pub name: String,
    /// Entries of the files.
    pub entries: usize,
    /// Those that can be used.
    pub usable: usize,
    /// What is left out, by reason.
    pub dropped: Dropped,
    /// What is odd but used.
    pub noticed: Dropped,
}

impl Reading {
    /// The reading of a run with these options.
    pub(super) fn of(task: &dyn Task, data: &DataFolder, options: &ReadOptions) -> Self {
        let first = || task.protocol().splits.first().map(|&name| name.to_owned());
        let name = options.split.clone().or_else(first).unwrap_or_default();
        match task.read(data, options) {
            Ok(examples) => Self {
                split: name,
                error: None,
                supports: SetReading::of(&examples.supports),
                queries: SetReading::of(&examples.queries),
                notes: examples.notes,
            },
            Err(error) => Self {
                split: name,
                error: Some(error.to_string()),
                ..Self::default()
            },
        }
    }

    /// Whether a run has something to ask.
    #[must_use]
    pub fn can_be_run(&self) -> bool {
        self.error.is_none() && self.queries.usable > 0
    }

    /// How much a run would leave out.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.supports.dropped.count() + self.queries.dropped.count()
    }
}

impl SetReading {
    fn of(set: &Set) -> Self {
        Self {
            name: set.name.clone(),
            entries: set.entries,
            usable: set.usable,
            dropped: set.dropped.clone(),
            noticed: set.noticed.clone(),
        }
    }

    fn line(&self, what: &str, f: &mut fmt::Formatter) -> fmt::Result {
        if self.name.is_empty() && self.entries == 0 {
            return write!(f, "\n  {what}: none");
        }
        let (usable, entries) = (self.usable, self.entries);
        write!(
            f,
            "\n  {what} ({}): {usable} of {entries} can be used",
            self.name
        )?;
        if self.dropped.count() > 0 {
            write!(f, "; left out: {}", self.dropped)?;
        }
        if self.noticed.count() > 0 {
            write!(f, "; used, but look: {}", self.noticed)?;
        }
        Ok(())
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(error) = &self.error {
            return write!(f, "\n  {} cannot be run: {error}", self.split);
        }
        self.queries.line("queries", f)?;
        self.supports.line("supports", f)?;
        for note in &self.notes {
            write!(f, "\n  note: {note}")?;
        }
        Ok(())
    }
}
