//! The folder of a corpus: where each file lies, and files that are whole or not there.
//!
//! A file is written under a temporary name and renamed when it is complete. What a killed worker left is removed by
//! the next one that is started.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::fuse::Fuse;

pub use crate::draft::Draft;

/// The resolved configuration.
pub const CONFIG: &str = "corpus.toml";
/// The units.
pub const UNITS: &str = "units.json";
/// Pages that repeat an earlier one ([`DuplicateRow`](crate::tables::DuplicateRow)).
pub const DOCUMENTS: &str = "global/documents.parquet";
/// Paragraphs that repeat within a domain ([`ParagraphRow`](crate::tables::ParagraphRow)).
pub const PARAGRAPHS: &str = "global/paragraphs.parquet";
/// Texts that several images have ([`TextRow`](crate::tables::TextRow)).
pub const TEXTS: &str = "global/texts.parquet";
/// The picture found for each place ([`PlacedImageRow`](crate::tables::PlacedImageRow)).
pub const IMAGES: &str = "global/images.parquet";
/// What the join counted; written last.
pub const JOINED: &str = "global/report.json";
/// What the corpus holds and how it came about; written last.
pub const MANIFEST: &str = "manifest.json";
/// The data card for people.
pub const CARD: &str = "card.html";
/// The data card for programs.
pub const CARD_JSON: &str = "card.json";

/// The tables that stage `read` writes for a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitTable {
    /// `pages.parquet` ([`PageRow`](crate::tables::PageRow)).
    Pages,
    /// `images.parquet` ([`ImageRow`](crate::tables::ImageRow)).
    Images,
}

impl UnitTable {
    /// The name of this table of a unit within the folder.
    pub fn of(self, unit: u32) -> String {
        match self {
            Self::Pages => format!("read/{unit:05}/pages.parquet"),
            Self::Images => format!("read/{unit:05}/images.parquet"),
        }
    }
}

/// The folder of a corpus, as one worker sees it.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    worker: u32,
    fuse: Fuse,
}

impl Folder {
    /// The folder at `root` for the worker with this index, made if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn open(root: impl Into<PathBuf>, worker: u32) -> Result<Self> {
        let root = root.into();
        let root = std::path::absolute(&root).map_err(Error::file(&root))?;
        fs::create_dir_all(&root).map_err(Error::file(&root))?;
        Ok(Self {
            root,
            worker,
            fuse: Fuse::default(),
        })
    }

    /// Where it lies.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the file with this name lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The path or URL of a file that tables name: names within the folder are made paths.
    pub(crate) fn locate(&self, file: &str) -> String {
        match file.contains("://") {
            true => file.to_owned(),
            false => self.path(file).to_string_lossy().into_owned(),
        }
    }

    /// What tables name a file: its name within the folder if it lies there, so that the folder can be moved.
    pub(crate) fn name_of<'a>(&self, file: &'a str) -> &'a str {
        let below = Path::new(file).strip_prefix(&self.root).ok();
        below.and_then(Path::to_str).unwrap_or(file)
    }

    /// Whether the file with this name is there, and so complete.
    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// This table of all units in their order: the files that exist.
    ///
    /// # Errors
    ///
    /// When the folder cannot be listed.
    pub fn unit_tables(&self, table: UnitTable) -> Result<Vec<PathBuf>> {
        let read = self.path("read");
        let mut units = Vec::new();
        for entry in fs::read_dir(&read).map_err(Error::file(&read))? {
            let entry = entry.map_err(Error::file(&read))?;
            if let Some(unit) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            {
                units.push(unit);
            }
        }
        units.sort_unstable();
        Ok(units
            .into_iter()
            .map(|unit| self.path(&table.of(unit)))
            .filter(|path| path.exists())
            .collect())
    }

    /// Where the file with this name will lie, its folder made: for those who write files whole by themselves.
    ///
    /// # Errors
    ///
    /// When its folder cannot be made.
    pub fn prepare(&self, name: &str) -> Result<PathBuf> {
        self.step(name)?;
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
        Ok(path)
    }

    /// Begins the file with this name; it is there once the draft is committed.
    ///
    /// # Errors
    ///
    /// When its folder or the file cannot be made.
    pub fn create(&self, name: &str) -> Result<Draft> {
        let path = self.prepare(name)?;
        Draft::at(path, self.worker, self.fuse.clone())
    }

    /// Writes the whole file with this name.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut draft = self.create(name)?;
        draft
            .write_all(bytes)
            .map_err(Error::file(self.path(name)))?;
        draft.commit()
    }

    /// Writes `value` as JSON with a line break at its end.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(value)
            .map_err(|reason| Error::content(self.path(name), reason))?;
        json.push(b'\n');
        self.write(name, &json)
    }

    /// The whole file with this name.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file(name)?
            .read_to_end(&mut bytes)
            .map_err(Error::file(self.path(name)))?;
        Ok(bytes)
    }

    /// The value that the file with this name holds as JSON.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or holds something else.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        serde_json::from_slice(&self.read(name)?)
            .map_err(|reason| Error::content(self.path(name), reason))
    }

    /// The file with this name, opened for reading.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub fn file(&self, name: &str) -> Result<File> {
        let path = self.path(name);
        File::open(&path).map_err(Error::file(&path))
    }

    /// Removes the file or folder with this name, if it is there.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<()> {
        self.step(name)?;
        let path = self.path(name);
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file(&path)(error)),
            _ => Ok(()),
        }
    }

    /// Removes what killed workers left; what others have in the making stays.
    ///
    /// # Errors
    ///
    /// When the folder cannot be listed, or a file in it not removed.
    pub fn sweep(&self) -> Result<()> {
        flamingo_files::sweep(&self.root)?;
        Ok(())
    }

    /// A folder whose `steps`-th change fails, as if its worker were killed there.
    #[cfg(test)]
    pub(crate) fn failing_after(mut self, steps: i64) -> Self {
        self.fuse = Fuse::after(steps);
        self
    }

    /// Called before each change of the folder.
    fn step(&self, name: &str) -> Result<()> {
        self.fuse.step(&self.path(name))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_is_there_only_when_it_is_committed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), 3).unwrap();
        let mut draft = folder.create("read/00007/pages.parquet").unwrap();
        draft.write_all(b"half").unwrap();
        assert!(!folder.has("read/00007/pages.parquet"));
        draft.commit().unwrap();
        assert_eq!(folder.read("read/00007/pages.parquet").unwrap(), b"half");
    }

    #[test]
    fn tables_come_in_the_order_of_units() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), 0).unwrap();
        for unit in [100_000, 2, 11] {
            folder.write(&UnitTable::Images.of(unit), b"").unwrap();
        }
        folder.write("read/00005/report.json", b"").unwrap();
        let names = folder.unit_tables(UnitTable::Images).unwrap();
        let expected = [2, 11, 100_000].map(|unit| folder.path(&UnitTable::Images.of(unit)));
        assert_eq!(names, expected);
    }

    #[test]
    fn a_killed_writer_leaves_no_file_and_goes_over_its_remains() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), 0).unwrap();
        assert!(
            folder
                .clone()
                .failing_after(1)
                .write("a", b"longer")
                .is_err()
        );
        assert!(!folder.has("a"));
        folder.write("a", b"new").unwrap();
        assert_eq!(folder.read("a").unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
