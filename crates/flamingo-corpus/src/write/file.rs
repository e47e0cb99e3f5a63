//! Files that have their names only once they are whole.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flamingo_sequence::{Document, Part};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::OutputFormat;
use crate::Result;
use crate::folder::{Draft, Folder};

/// The extensions of all formats.
const EXTENSIONS: [&str; 3] = ["tar", "parquet", "jsonl"];

/// A file that is written, and what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// Its name within the corpus folder.
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
                Part::End | Part::Token(_) => {}
            }
        }
    }
}

/// The files of one stem, in order.
#[derive(Debug)]
pub(super) struct Series {
    folder: Folder,
    stem: String,
    format: OutputFormat,
    limit: u64,
    finished: Vec<Finished>,
}

impl Series {
    /// Takes away the files that an earlier attempt left, of any format.
    pub(super) fn new(
        folder: &Folder,
        stem: &str,
        format: OutputFormat,
        limit: u64,
    ) -> Result<Self> {
        for extension in EXTENSIONS {
            let name = |number| name(stem, number, extension);
            let left = (0..)
                .take_while(|&number| folder.has(&name(number)))
                .count();
            // The last one first: what is left after a kill still begins at 0.
            for number in (0..left).rev() {
                folder.remove(&name(number))?;
            }
        }
        Ok(Self {
            folder: folder.clone(),
            stem: stem.to_owned(),
            format,
            limit,
            finished: Vec::new(),
        })
    }

    /// The stem without its folder.
    pub(super) fn key(&self) -> &str {
        self.stem.rsplit('/').next().unwrap_or_default()
    }

    /// Whether a file of this size is full before `more` bytes come.
    pub(super) fn is_full(&self, bytes: u64, more: u64) -> bool {
        bytes > 0 && bytes.saturating_add(more) > self.limit
    }

    /// The next file, under a name of its own until it is whole.
    pub(super) fn open(&self) -> Result<OutputFile> {
        let name = name(&self.stem, self.finished.len(), self.format.extension());
        Ok(OutputFile {
            path: self.folder.path(&name),
            draft: self.folder.create(&name)?,
            hash: Sha256::new(),
            holds: Finished {
                name,
                ..Finished::default()
            },
        })
    }

    /// Gives a file its name.
    pub(super) fn close(&mut self, file: OutputFile) -> Result<()> {
        file.draft.commit()?;
        self.finished.push(Finished {
            sha256: format!("{:x}", file.hash.finalize()),
            ..file.holds
        });
        Ok(())
    }

    pub(super) fn into_finished(self) -> Vec<Finished> {
        self.finished
    }
}

fn name(stem: &str, number: usize, extension: &str) -> String {
    format!("{stem}-{number:03}.{extension}")
}

/// A file on its way, hashed as it is written.
#[derive(Debug)]
pub(super) struct OutputFile {
    path: PathBuf,
    draft: Draft,
    hash: Sha256,
    /// What is in it so far.
    pub(super) holds: Finished,
}

impl OutputFile {
    /// Where it will lie, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.draft.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.holds.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft.flush()
    }
}
