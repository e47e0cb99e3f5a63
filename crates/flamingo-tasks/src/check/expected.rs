//! A file that a benchmark should have, and looking for it.

use std::path::Path;

use super::found::Found;
use crate::entries::{Entries, each};
use crate::error::Result;
use crate::media::MediaFiles;

/// A file that should be there.
pub(super) struct Expected {
    /// The official name.
    pub(super) name: &'static str,
    /// Other names, and what version has them.
    pub(super) others: &'static [(&'static str, &'static str)],
    /// What it is for.
    pub(super) purpose: &'static str,
    /// Whether the task's first split is not read without it.
    pub(super) required: bool,
    /// The form of its items.
    pub(super) items: Items,
    /// How many it officially has.
    pub(super) official: Option<usize>,
}

/// Where a file's items are. What each of them has to hold is the task's to say, when it reads them.
#[derive(Clone, Copy)]
pub(super) enum Items {
    /// A list, or one under a name.
    List(&'static [&'static str]),
    /// An object a line.
    Lines,
    /// A row of a table.
    Rows,
    /// The list under the second name in the object under the first.
    Inner(&'static str, &'static str),
    /// Karpathy's pictures of this split.
    Split(&'static str),
    /// The values of an object, each an object; below a name if it has one.
    Values(Option<&'static str>),
    /// Lines of text.
    Text,
    /// A folder with a folder for each class.
    Folders,
}

impl Expected {
    /// A file that is needed and has no other version.
    pub(super) const fn new(name: &'static str, purpose: &'static str, items: Items) -> Self {
        Self {
            name,
            others: &[],
            purpose,
            required: true,
            items,
            official: None,
        }
    }

    pub(super) const fn official(self, count: usize) -> Self {
        Self {
            official: Some(count),
            ..self
        }
    }

    pub(super) const fn optional(self) -> Self {
        Self {
            required: false,
            ..self
        }
    }

    pub(super) const fn or(self, others: &'static [(&'static str, &'static str)]) -> Self {
        Self { others, ..self }
    }

    /// Looks for it.
    pub(super) fn look(&self, folder: &Path, files: &MediaFiles) -> Found {
        let mut found = Found {
            name: self.name.to_owned(),
            purpose: self.purpose.to_owned(),
            required: self.required,
            official: self.official,
            ..Found::default()
        };
        let of_name = |name: &str| match self.items {
            Items::Folders => files.folder(name),
            _ => files.file(name),
        };
        let other = || {
            let mut others = self.others.iter();
            others.find_map(|(name, version)| Some((of_name(name)?, Some(*version))))
        };
        let Some((path, version)) = of_name(self.name).map(|path| (path, None)).or_else(other)
        else {
            return found;
        };
        found.path = Some(
            path.strip_prefix(folder)
                .unwrap_or(path)
                .display()
                .to_string(),
        );
        found.version = version.map(str::to_owned);
        if let Err(error) = self.count(path, &mut found) {
            found.error = Some(error.to_string());
        }
        found
    }

    fn count(&self, path: &Path, found: &mut Found) -> Result<()> {
        let (entries, split) = match self.items {
            Items::List(names) => (Entries::List(names), None),
            Items::Lines => (Entries::Lines, None),
            Items::Rows => (Entries::Rows, None),
            Items::Inner(outer, inner) => (Entries::Inner(outer, inner), None),
            Items::Values(name) => (Entries::Values(name), None),
            Items::Split(split) => (Entries::List(&["images"]), Some(split)),
            Items::Text => {
                let text = String::from_utf8_lossy(&crate::read::bytes(path)?).into_owned();
                found.items = text.lines().filter(|line| !line.trim().is_empty()).count();
                return Ok(());
            }
            Items::Folders => {
                let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
                found.items = entries.filter(|entry| entry.path().is_dir()).count();
                return Ok(());
            }
        };
        each(path, entries, &mut |record| match record {
            Ok(record)
                if split
                    .is_some_and(|split| record.text("split").ok().as_deref() != Some(split)) => {}
            Ok(_) => found.items += 1,
            Err(error) => {
                found.items += 1;
                found.broken.add(error.reason());
            }
        })
    }
}
