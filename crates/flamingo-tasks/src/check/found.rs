//! What was found of one file.

use std::fmt;

use serde::Serialize;

use crate::counted::counted;
use crate::ids::Names;

/// One of a benchmark's files.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Found {
    /// The official name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Whether the task's first split is not read without it.
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
    /// Items that are none at all: no JSON, a row of another length; with the first of them.
    pub broken: Names,
}

impl Found {
    /// Whether it is there and whole, with as many items as officially.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let counts = self.official.is_none_or(|official| official == self.items);
        self.path.is_some() && self.error.is_none() && self.broken.count == 0 && counts
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
            "{state}: {path} ({}), {}",
            self.purpose,
            counted(self.items, "item")
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
        Ok(())
    }
}
