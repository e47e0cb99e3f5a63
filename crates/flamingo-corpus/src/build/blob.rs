//! Bytes of pictures and films whose own file can only be read from its start (a WARC that is one gzip stream):
//! they are kept in a file of the unit, one behind the other.

use std::io::Write;

use crate::error::{Error, Result};
use crate::folder::{Draft, Folder};
use crate::tables::ImageRow;

/// The kept bytes of a unit; no file if there are none.
pub(super) struct Blob {
    folder: Folder,
    name: String,
    draft: Option<Draft>,
    length: u64,
}

impl Blob {
    /// That of a unit.
    pub(super) fn of(folder: &Folder, unit: u32) -> Self {
        Self {
            folder: folder.clone(),
            name: format!("read/{unit:05}/images.blob"),
            draft: None,
            length: 0,
        }
    }

    /// Keeps the bytes, and tells the row where they lie: in a file below the corpus folder.
    pub(super) fn keep(&mut self, row: &mut ImageRow, bytes: &[u8]) -> Result<()> {
        let draft = match &mut self.draft {
            Some(draft) => draft,
            none => none.insert(self.folder.create(&self.name)?),
        };
        draft.write_all(bytes).map_err(Error::file(draft.path()))?;
        row.file.clone_from(&self.name);
        row.offset = self.length.cast_signed();
        row.length = (bytes.len() as u64).cast_signed();
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<()> {
        self.draft.map_or(Ok(()), Draft::commit)
    }
}
