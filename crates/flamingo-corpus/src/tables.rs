//! The tables between stages: rows as plain structs, written to and streamed from Parquet.
//!
//! The same rows give the same bytes: files name no program version and no time.

pub(crate) mod column;
mod rows;

use std::io;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;

pub(crate) use column::Column;
pub use rows::{
    DecisionRow, DroppedParagraph, DuplicateRow, ImageDecision, ImageRow, ImageUse, PageRow,
    ParagraphRow, PlacedImageRow, TextRow,
};

use crate::error::{Error, Result};
use crate::folder::{Draft, Folder};

/// Rows that are turned into columns at once.
const BATCH_ROWS: usize = 256;
/// Encoded bytes after which a row group is closed, so that no writer or reader holds more.
const GROUP_BYTES: usize = 16 << 20;
/// Rows after which a row group is closed, so that readers of a range can leave the others out.
const GROUP_ROWS: usize = 1 << 16;

/// A row of a table: a struct whose fields are the table's columns.
pub trait Row: Sized {
    /// The table's columns.
    fn schema() -> SchemaRef;

    /// These rows as columns.
    fn columns(rows: &[Self]) -> Vec<ArrayRef>;

    /// The row at `index` of columns as [`Row::schema`] says.
    fn from_columns(columns: &[ArrayRef], index: usize) -> Self;
}

/// Properties of all Parquet files of a corpus.
pub(crate) fn writer_properties() -> WriterProperties {
    WriterProperties::builder()
        .set_created_by("flamingo-corpus".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .build()
}

/// Writes rows to a file of the folder.
pub struct TableWriter<R: Row> {
    writer: ArrowWriter<Draft>,
    schema: SchemaRef,
    path: PathBuf,
    rows: Vec<R>,
}

impl<R: Row> TableWriter<R> {
    /// Begins the table with this name.
    ///
    /// # Errors
    ///
    /// When the file cannot be made.
    pub fn create(folder: &Folder, name: &str) -> Result<Self> {
        let path = folder.path(name);
        let schema = R::schema();
        // Without the schema in Arrow's own words, which change with its version.
        let options = ArrowWriterOptions::new()
            .with_properties(writer_properties())
            .with_skip_arrow_metadata(true);
        let draft = folder.create(name)?;
        let writer = ArrowWriter::try_new_with_options(draft, schema.clone(), options)
            .map_err(unwritten(&path))?;
        Ok(Self {
            writer,
            schema,
            path,
            rows: Vec::with_capacity(BATCH_ROWS),
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn push(&mut self, row: R) -> Result<()> {
        self.rows.push(row);
        if self.rows.len() == BATCH_ROWS {
            self.write_batch()?;
        }
        Ok(())
    }

    /// Writes what is left and gives the file its name.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<()> {
        self.write_batch()?;
        let written = self.writer.into_inner();
        written.map_err(unwritten(&self.path))?.commit()
    }

    fn write_batch(&mut self) -> Result<()> {
        let path = &self.path;
        let batch = RecordBatch::try_new(self.schema.clone(), R::columns(&self.rows))
            .map_err(|reason| Error::content(path, reason))?;
        self.rows.clear();
        self.writer.write(&batch).map_err(unwritten(path))?;
        if self.writer.in_progress_size() > GROUP_BYTES {
            self.writer.flush().map_err(unwritten(path))?;
        }
        Ok(())
    }
}

/// A Parquet file that cannot be written; what the system said is its cause, where it said something.
pub(crate) fn unwritten(path: &Path) -> impl FnOnce(ParquetError) -> Error + use<> {
    let path = path.to_owned();
    move |error| {
        let source = match error {
            ParquetError::External(cause) => cause
                .downcast::<io::Error>()
                .map_or_else(io::Error::other, |cause| *cause),
            other => io::Error::other(other),
        };
        Error::File { path, source }
    }
}

/// Streams the rows of a table.
pub struct Rows<R> {
    batches: ParquetRecordBatchReader,
    schema: SchemaRef,
    path: PathBuf,
    columns: Vec<ArrayRef>,
    next: usize,
    row: PhantomData<R>,
}

impl<R: Row> Rows<R> {
    /// All rows of the table with this name.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is another table.
    pub fn open(folder: &Folder, name: &str) -> Result<Self> {
        Self::select(folder, name, |_| true)
    }

    /// The rows of the row groups that may hold documents of this range; those outside must be skipped by the caller.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is another table.
    pub fn open_documents(folder: &Folder, name: &str, documents: Range<i64>) -> Result<Self> {
        Self::select(folder, name, |group| may_hold(group, &documents))
    }

    fn select(
        folder: &Folder,
        name: &str,
        keep: impl Fn(&RowGroupMetaData) -> bool,
    ) -> Result<Self> {
        let path = folder.path(name);
        let failed = |reason: &dyn std::fmt::Display| Error::content(&path, reason);
        let builder = ParquetRecordBatchReaderBuilder::try_new(folder.file(name)?)
            .map_err(|reason| failed(&reason))?;
        let groups = builder.metadata().row_groups().iter().enumerate();
        let groups = groups
            .filter(|(_, group)| keep(group))
            .map(|(index, _)| index);
        let groups = groups.collect();
        let schema = R::schema();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let mask = ProjectionMask::columns(builder.parquet_schema(), names);
        let batches = builder
            .with_row_groups(groups)
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|reason| failed(&reason))?;
        Ok(Self {
            batches,
            schema,
            path,
            columns: Vec::new(),
            next: 0,
            row: PhantomData,
        })
    }

    /// Reads batches until one has rows; `false` at the table's end.
    fn advance(&mut self) -> Result<bool> {
        while self
            .columns
            .first()
            .is_none_or(|column| self.next == column.len())
        {
            let Some(batch) = self.batches.next() else {
                return Ok(false);
            };
            let batch = batch.map_err(|reason| Error::content(&self.path, reason))?;
            self.columns = fit(&batch, &self.schema, &self.path)?;
            self.next = 0;
        }
        Ok(true)
    }
}

impl<R: Row> Iterator for Rows<R> {
    type Item = Result<R>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.advance() {
            Ok(true) => {
                let row = R::from_columns(&self.columns, self.next);
                self.next += 1;
                Some(Ok(row))
            }
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

/// The batch's columns in the order and of the types that the schema says: other writers choose wider ones.
fn fit(batch: &RecordBatch, schema: &Schema, path: &Path) -> Result<Vec<ArrayRef>> {
    let fit = |field: &Arc<arrow::datatypes::Field>| {
        let column = batch
            .column_by_name(field.name())
            .ok_or_else(|| Error::content(path, format!("no column {}", field.name())))?;
        let column =
            cast(column, field.data_type()).map_err(|reason| Error::content(path, reason))?;
        if !field.is_nullable() && column.null_count() > 0 {
            let reason = format!("column {} has an empty value", field.name());
            return Err(Error::content(path, reason));
        }
        Ok(column)
    };
    schema.fields().iter().map(fit).collect()
}

fn may_hold(group: &RowGroupMetaData, documents: &Range<i64>) -> bool {
    let column = group
        .columns()
        .iter()
        .find(|column| column.column_path().string() == "document");
    let Some(Statistics::Int64(statistics)) = column.and_then(|column| column.statistics()) else {
        return true;
    };
    let (min, max) = (statistics.min_opt(), statistics.max_opt());
    min.is_none_or(|min| *min < documents.end) && max.is_none_or(|max| *max >= documents.start)
}

#[cfg(test)]
mod tests;
