//! In place of `table` in a program without Parquet: there is no such table.

use std::path::Path;

use crate::{Error, Result};

/// An open Parquet file: there is none in this program.
#[derive(Debug)]
pub enum Table {}

impl Table {
    /// Refuses the file.
    ///
    /// # Errors
    /// [`Error::NoParquet`], always.
    pub fn open(path: &Path) -> Result<Self> {
        let path = path.to_path_buf();
        Err(Error::NoParquet { path })
    }

    /// The Parquet file.
    pub fn path(&self) -> &Path {
        match *self {}
    }

    /// The bytes of the picture `ROW.POSITION`.
    ///
    /// # Errors
    /// None: there is no such table.
    pub fn picture(&self, _name: &str) -> Result<Vec<u8>> {
        match *self {}
    }

    pub(crate) fn has_picture(&self, _name: &str) -> bool {
        match *self {}
    }
}
