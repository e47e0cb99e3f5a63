//! What was found of one file.

use std::fmt;

use serde::Serialize;

use crate::ids::Names;

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
