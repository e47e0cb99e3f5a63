//! Documents in Parquet with the schema of OBELICS: `images` and `texts` are lists of one length,
//! and at each position one of them is null.
//!
//! A column `image_bytes` may hold the pictures themselves; without it a picture is its URL.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use flamingo_sequence::{Document, Part};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::errors::ParquetError;

use crate::{Error, MediaBase, Report, Result, Sample};

const IMAGES: &str = "images";
const TEXTS: &str = "texts";
const GENERAL: &str = "general_metadata";
const BYTES: &str = "image_bytes";
/// Rows that are decoded at once.
const BATCH: usize = 256;

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

    fn has(&self, column: &str) -> bool {
        self.metadata.schema().column_with_name(column).is_some()
    }

    fn rows(
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

fn failed(path: &Path) -> impl FnOnce(ParquetError) -> Error {
    let read = Error::read(path);
    |error| read(std::io::Error::other(error))
}

/// The samples of a file, in its order; a picture whose bytes are there is named `ROW.POSITION`.
pub(crate) fn read(path: &Path, report: &mut Report, samples: &mut Vec<Sample>) -> Result<()> {
    let table = Arc::new(Table::open(path)?);
    let columns = [IMAGES, TEXTS, GENERAL];
    let embedded = table.has(BYTES);
    let mut row = 0;
    for batch in table.rows(&columns, BATCH, |builder| builder)? {
        let batch = batch.map_err(|error| failed(path)(error.into()))?;
        for index in 0..batch.num_rows() {
            report.found += 1;
            match document(&batch, index, embedded.then_some(row)) {
                Ok(document) => samples.push(Sample {
                    document,
                    base: MediaBase::Table(table.clone()),
                }),
                Err(problem) => {
                    let name = format!("{}, row {row}", path.display());
                    report.leave_out(&name, "bad document", &problem);
                }
            }
            row += 1;
        }
    }
    Ok(())
}

/// The document of a row; `row` is its number where the pictures' bytes are in the file.
fn document(batch: &RecordBatch, index: usize, row: Option<usize>) -> Result<Document, String> {
    let (images, texts) = (
        strings(batch, IMAGES, index)?,
        strings(batch, TEXTS, index)?,
    );
    if images.len() != texts.len() {
        let (images, texts) = (images.len(), texts.len());
        return Err(format!(
            "{images} images and {texts} texts: both lists need one length"
        ));
    }
    let value =
        |list: &StringArray, at: usize| list.is_valid(at).then(|| list.value(at).to_owned());
    let mut parts = Vec::with_capacity(images.len());
    for at in 0..images.len() {
        parts.push(match (value(&images, at), value(&texts, at)) {
            (None, Some(text)) => Part::Text(text),
            (Some(url), None) => Part::Image(row.map_or(url, |row| format!("{row}.{at}"))),
            _ => return Err(format!("position {at} is not either an image or a text")),
        });
    }
    let document = Document {
        id: id(batch, index),
        parts,
    };
    document.check().map_err(|error| error.to_string())?;
    Ok(document)
}

fn strings(batch: &RecordBatch, name: &str, index: usize) -> Result<StringArray, String> {
    let lists = batch
        .column_by_name(name)
        .and_then(|column| column.as_list_opt::<i32>());
    let list = lists
        .filter(|lists| lists.is_valid(index))
        .map(|lists| lists.value(index));
    let strings = list.as_ref().and_then(|list| list.as_string_opt::<i32>());
    strings
        .cloned()
        .ok_or_else(|| format!("`{name}` is no list of strings"))
}

/// What `general_metadata` calls the document, else the page's URL.
fn id(batch: &RecordBatch, index: usize) -> Option<String> {
    let column = batch.column_by_name(GENERAL)?.as_string_opt::<i32>()?;
    let general: serde_json::Value = serde_json::from_str(column.value(index)).ok()?;
    let named = ["id", "url"]
        .iter()
        .find_map(|key| general.get(key)?.as_str());
    named.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use arrow::array::{ArrayRef, BinaryBuilder, ListBuilder, StringBuilder};
    use flamingo_image::{Image, Limits, Media};
    use flamingo_sequence::MediaKind;
    use parquet::arrow::ArrowWriter;

    use super::*;
    use crate::{Format, Source};

    type Row<'a> = (Vec<Option<&'a str>>, Vec<Option<&'a str>>);

    fn list(rows: &[Vec<Option<&str>>]) -> ArrayRef {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for row in rows {
            lists.append_value(row.iter().copied());
        }
        Arc::new(lists.finish())
    }

    fn write(path: &Path, rows: &[Row], pictures: Option<&[u8]>) {
        let images: Vec<_> = rows.iter().map(|row| row.0.clone()).collect();
        let texts: Vec<_> = rows.iter().map(|row| row.1.clone()).collect();
        let general = rows.iter().map(|_| r#"{"url": "https://a.example/"}"#);
        let mut columns = vec![
            (IMAGES, list(&images)),
            (
                GENERAL,
                Arc::new(StringArray::from_iter_values(general)) as ArrayRef,
            ),
            (TEXTS, list(&texts)),
        ];
        if let Some(bytes) = pictures {
            let mut lists = ListBuilder::new(BinaryBuilder::new());
            for row in &images {
                lists.append_value(row.iter().map(|url| url.map(|_| bytes)));
            }
            columns.push((BYTES, Arc::new(lists.finish())));
        }
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = File::create(path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn rows() -> Vec<Row<'static>> {
        let url = Some("https://a.example/1.png");
        vec![
            (vec![None, url, None], vec![Some("a"), None, Some("b")]),
            (vec![None], vec![None]),
            (vec![url], vec![Some("a")]),
            (vec![url], vec![None, Some("a")]),
            (vec![], vec![]),
            (vec![url, url], vec![None, None]),
        ]
    }

    #[test]
    fn rows_are_documents_and_bad_ones_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("a.parquet"), &rows(), None);
        let source = Source::read(Format::Parquet, folder.path()).unwrap();
        assert_eq!((source.report.found, source.report.kept()), (6, 2));
        assert_eq!(source.report.left_out["bad document"], 4);
        let document = &source.samples[0].document;
        assert_eq!(document.id.as_deref(), Some("https://a.example/"));
        let expected = [
            Part::Text("a".into()),
            Part::Image("https://a.example/1.png".into()),
            Part::Text("b".into()),
        ];
        assert_eq!(document.parts, expected);
    }

    #[test]
    fn pictures_in_the_file_are_read_when_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let image = Image::solid(3, 5, [7, 11, 13]);
        write(&path, &rows(), Some(&image.to_png()));
        let source = Source::read(Format::Parquet, &path).unwrap();
        for sample in &source.samples {
            for (_, kind, place) in sample.document.media() {
                let media = sample.base.load(place, kind, &Limits::default()).unwrap();
                assert_eq!(media, Media::Image(image.clone()));
            }
        }
        let base = &source.samples[0].base;
        for absent in ["0.0", "0.9", "99.0", "x"] {
            let error = base.load(absent, MediaKind::Image, &Limits::default());
            let message = error.unwrap_err().to_string();
            assert!(
                message.contains("a.parquet") && message.contains(absent),
                "{message}"
            );
        }
    }

    #[test]
    fn a_file_of_another_schema_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let column: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let message = Source::read(Format::Parquet, &path)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("a.parquet") && message.contains("`images`"),
            "{message}"
        );
        std::fs::write(&path, b"no parquet").unwrap();
        assert!(Table::open(&path).is_err());
    }
}
