//! Documents in Parquet with the schema of OBELICS: `images` and `texts` are lists of one length,
//! and at each position one of them is null.
//!
//! A column `image_bytes` may hold the pictures themselves; without it a picture is its URL.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use flamingo_sequence::{Document, Part};

use crate::table::{BYTES, GENERAL, IMAGES, TEXTS, failed};
use crate::{MediaBase, Report, Result, Sample, Table};

/// Rows that are decoded at once.
const BATCH: usize = 256;

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

    use std::fs::File;

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
