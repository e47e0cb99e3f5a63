//! A Parquet file in the schema of OBELICS, and the pictures in it.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::errors::ParquetError;

use crate::{Error, Result};

pub(crate) const IMAGES: &str = "images";
pub(crate) const TEXTS: &str = "texts";
pub(crate) const GENERAL: &str = "general_metadata";
pub(crate) const BYTES: &str = "image_bytes";

/// An open Parquet file, whose pictures are read when asked for.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl Table {
    /// Reads the file's own description.
    ///
    /// # Errors
    /// [`Error::Read`] if it is no Parquet file, [`Error::Nothing`] if it lacks a column.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::read(path))?;
        let metadata =
            ArrowReaderMetadata::load(&file, Default::default()).map_err(failed(path))?;
        let table = Self {
            path: path.to_path_buf(),
            metadata,
        };
        for column in [IMAGES, TEXTS] {
            if !table.has(column) {
                let problem = format!(
                    "it has no column `{column}`; OBELICS' schema has `images` and `texts`"
                );
                let path = table.path;
                return Err(Error::Nothing { path, problem });
            }
        }
        Ok(table)
    }

    /// The Parquet file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the picture `ROW.POSITION`.
    ///
    /// # Errors
    /// [`Error::Member`] if there is none of that name, [`Error::Read`].
    pub fn picture(&self, name: &str) -> Result<Vec<u8>> {
        let absent = || Error::Member {
            shard: self.path.clone(),
            member: name.to_owned(),
        };
        let count = self.metadata.metadata().file_metadata().num_rows();
        let (row, position) = place(name)
            .filter(|(row, _)| (*row as i64) < count)
            .ok_or_else(absent)?;
        let mut rows = self.rows(&[BYTES], 1, |builder| {
            let skipped = RowSelector::skip(row);
            builder.with_row_selection(RowSelection::from(vec![skipped, RowSelector::select(1)]))
        })?;
        let batch = rows.next().ok_or_else(absent)?;
        let batch = batch.map_err(|error| failed(&self.path)(error.into()))?;
        let lists = batch
            .column_by_name(BYTES)
            .and_then(|column| column.as_list_opt::<i32>());
        let values = lists.map(|lists| lists.value(0)).ok_or_else(absent)?;
        let bytes = values.as_binary_opt::<i32>().ok_or_else(absent)?;
        if position >= bytes.len() || bytes.is_null(position) {
            return Err(absent());
        }
        Ok(bytes.value(position).to_vec())
    }

    pub(crate) fn has(&self, column: &str) -> bool {
        self.metadata.schema().column_with_name(column).is_some()
    }

    pub(crate) fn rows(
        &self,
        columns: &[&str],
        batch: usize,
        select: impl FnOnce(
            ParquetRecordBatchReaderBuilder<File>,
        ) -> ParquetRecordBatchReaderBuilder<File>,
    ) -> Result<ParquetRecordBatchReader> {
        let file = File::open(&self.path).map_err(Error::read(&self.path))?;
        let metadata = self.metadata.clone();
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        select(builder.with_projection(mask).with_batch_size(batch))
            .build()
            .map_err(failed(&self.path))
    }
}

fn place(name: &str) -> Option<(usize, usize)> {
    let (row, position) = name.split_once('.')?;
    Some((row.parse().ok()?, position.parse().ok()?))
}

pub(crate) fn failed(path: &Path) -> impl FnOnce(ParquetError) -> Error {
    let read = Error::read(path);
    |error| read(std::io::Error::other(error))
}
