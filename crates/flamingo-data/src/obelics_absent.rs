//! In place of `obelics` in a program without Parquet: who asks for it is told how to get it.

use std::path::Path;

use crate::{Error, Report, Result, Sample};

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
}

pub(crate) fn read(path: &Path, _report: &mut Report, _samples: &mut Vec<Sample>) -> Result<()> {
    Table::open(path).map(|table| match table {})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::{Format, Source};

    #[test]
    fn a_parquet_file_is_refused_with_the_feature_to_add() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        std::fs::write(&path, b"PAR1").unwrap();
        let message = Source::read(Format::Parquet, &path)
            .unwrap_err()
            .to_string();
        assert!(message.contains("a.parquet"), "{message}");
        assert!(message.contains("--features parquet"), "{message}");
    }
}
