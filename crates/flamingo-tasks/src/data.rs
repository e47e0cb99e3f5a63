//! A folder of a task's files, looked through once.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use flamingo_sequence::Part;

use crate::error::{Result, TaskError};
use crate::media::MediaFiles;
use crate::read::form;

/// A folder of a task's files, or one file of a user's own task.
///
/// Official files and media may lie anywhere below it; of a name that comes again the nearest counts.
#[derive(Debug)]
pub struct DataFolder {
    root: PathBuf,
    files: OnceLock<MediaFiles>,
}

impl DataFolder {
    /// A folder; it is looked through when first something in it is looked for.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            files: OnceLock::new(),
        }
    }

    /// The folder, or file.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn files(&self) -> Result<&MediaFiles> {
        if let Some(files) = self.files.get() {
            return Ok(files);
        }
        let files = MediaFiles::below(&self.root)?;
        Ok(self.files.get_or_init(|| files))
    }

    /// The nearest file of the first of these names that is there.
    pub(crate) fn maybe(&self, names: &[&str]) -> Result<Option<&Path>> {
        let files = self.files()?;
        Ok(names.iter().find_map(|name| files.file(name)))
    }

    /// The nearest file of the first of these names that is there.
    ///
    /// # Errors
    ///
    /// None of them is.
    pub(crate) fn file(&self, task: &str, names: &[&str]) -> Result<&Path> {
        self.maybe(names)?.ok_or_else(|| TaskError::Task {
            task: task.to_owned(),
            reason: format!(
                "{} is not below {}; `flamingo eval check-data` tells what is there",
                names.join(" or "),
                self.root.display()
            ),
        })
    }

    /// The path of a picture or film by its name, with or without its ending.
    pub(crate) fn medium(&self, name: &str) -> Result<Option<String>> {
        let Some(path) = self.files()?.find(name) else {
            return Ok(None);
        };
        let text = path.to_str().map(str::to_owned);
        text.map(Some)
            .ok_or_else(|| form(path, "its path is no UTF-8: rename it"))
    }

    /// A picture of this name.
    pub(crate) fn picture(&self, name: &str) -> Result<Option<Part>> {
        Ok(self.medium(name)?.map(Part::Image))
    }
}
