//! Files that have their names only once they are whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flamingo_sequence::{Document, Part};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// A file that is written, and what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// Its name in the folder.
    pub name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Documents, or pairs.
    pub documents: u64,
    /// Pictures in these documents.
    pub images: u64,
    /// Films in these documents.
    pub films: u64,
    /// Bytes of the documents' texts.
    pub text_bytes: u64,
}

impl Finished {
    /// Adds a document to the counts.
    pub(super) fn count(&mut self, document: &Document) {
        self.documents += 1;
        for part in &document.parts {
            match part {
                Part::Text(text) => self.text_bytes += text.len() as u64,
                Part::Image(_) => self.images += 1,
                Part::Video(_) => self.films += 1,
                Part::End => {}
            }
        }
    }
}

/// The files of one stem, in order.
#[derive(Debug)]
pub(super) struct Series {
    folder: PathBuf,
    stem: String,
    extension: &'static str,
    limit: u64,
    finished: Vec<Finished>,
}

impl Series {
    /// Takes away what an earlier attempt left, whole or not.
    pub(super) fn new(
        folder: &Path,
        stem: &str,
        extension: &'static str,
        limit: u64,
    ) -> Result<Self> {
        fs::create_dir_all(folder).map_err(Error::write(folder))?;
        let series = Self {
            folder: folder.to_path_buf(),
            stem: stem.to_owned(),
            extension,
            limit,
            finished: Vec::new(),
        };
        for entry in fs::read_dir(folder).map_err(Error::read(folder))? {
            let entry = entry.map_err(Error::read(folder))?;
            if series.owns(&entry.file_name().to_string_lossy()) {
                let path = entry.path();
                fs::remove_file(&path).map_err(Error::write(&path))?;
            }
        }
        Ok(series)
    }

    pub(super) fn stem(&self) -> &str {
        &self.stem
    }

    /// Whether a file of this size is full before `more` bytes come.
    pub(super) fn is_full(&self, bytes: u64, more: u64) -> bool {
        bytes > 0 && bytes.saturating_add(more) > self.limit
    }

    /// The next file, under a name of its own until it is whole.
    pub(super) fn open(&self) -> Result<OutputFile> {
        let name = format!(
            "{}-{:03}.{}",
            self.stem,
            self.finished.len(),
            self.extension
        );
        OutputFile::create(&self.folder, name)
    }

    /// Gives a file its name.
    pub(super) fn close(&mut self, file: OutputFile) -> Result<()> {
        self.finished.push(file.finish()?);
        Ok(())
    }

    pub(super) fn into_finished(self) -> Vec<Finished> {
        self.finished
    }

    /// `STEM-NUMBER.EXTENSION` of any kind, and its partial.
    fn owns(&self, name: &str) -> bool {
        let name = name.strip_suffix(PARTIAL).unwrap_or(name);
        let number = || {
            let (number, extension) = name
                .strip_prefix(&self.stem)?
                .strip_prefix('-')?
                .split_once('.')?;
            let known = ["tar", "parquet", "jsonl"].contains(&extension);
            let digits = number.len() >= 3 && number.bytes().all(|byte| byte.is_ascii_digit());
            (known && digits).then_some(())
        };
        number().is_some()
    }
}

const PARTIAL: &str = ".partial";

/// A file on its way, hashed as it is written.
#[derive(Debug)]
pub(super) struct OutputFile {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    /// What is in it so far.
    pub(super) holds: Finished,
}

impl OutputFile {
    fn create(folder: &Path, name: String) -> Result<Self> {
        let partial = folder.join(format!("{name}{PARTIAL}"));
        let file = File::create(&partial).map_err(Error::write(&partial))?;
        Ok(Self {
            path: folder.join(&name),
            partial,
            file: BufWriter::with_capacity(1 << 18, file),
            hash: Sha256::new(),
            holds: Finished {
                name,
                ..Finished::default()
            },
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn finish(self) -> Result<Finished> {
        let file = self
            .file
            .into_inner()
            .map_err(|error| Error::write(&self.partial)(error.into_error()))?;
        // The name must not reach the disk before the bytes do.
        file.sync_all().map_err(Error::write(&self.partial))?;
        fs::rename(&self.partial, &self.path).map_err(Error::write(&self.path))?;
        Ok(Finished {
            sha256: format!("{:x}", self.hash.finalize()),
            ..self.holds
        })
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.holds.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
