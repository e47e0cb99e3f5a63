//! The files below a folder, by name.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Result, TaskError};

/// All files below a folder; of a name that comes again, the nearest one.
#[derive(Debug)]
pub(crate) struct MediaFiles {
    paths: BTreeMap<String, PathBuf>,
    folders: BTreeMap<String, PathBuf>,
}

impl MediaFiles {
    pub(crate) fn below(folder: &Path) -> Result<Self> {
        let mut files = Self {
            paths: BTreeMap::new(),
            folders: BTreeMap::new(),
        };
        let mut queue = VecDeque::from([folder.to_owned()]);
        while let Some(folder) = queue.pop_front() {
            let told = |source| TaskError::Io {
                path: folder.clone(),
                source,
            };
            let mut entries = fs::read_dir(&folder)
                .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
                .map_err(told)?;
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = entry.path();
                // A link may lead back up: files behind it count, folders do not.
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    files.folders.entry(name).or_insert_with(|| path.clone());
                    queue.push_back(path);
                } else {
                    files.paths.entry(name).or_insert(path);
                }
            }
        }
        Ok(files)
    }

    /// The file of a name.
    pub(crate) fn file(&self, name: &str) -> Option<&Path> {
        self.paths.get(name).map(PathBuf::as_path)
    }

    /// The folder of a name.
    pub(crate) fn folder(&self, name: &str) -> Option<&Path> {
        self.folders.get(name).map(PathBuf::as_path)
    }

    /// The file of this name, or of this name with any ending.
    pub(crate) fn find(&self, name: &str) -> Option<&Path> {
        if let Some(path) = self.file(name) {
            return Some(path);
        }
        let with_ending = format!("{name}.");
        let (next, path) = self.paths.range(with_ending.clone()..).next()?;
        next.starts_with(&with_ending).then_some(path.as_path())
    }
}
