//! Documents in Parquet with the schema of OBELICS: `images` and `texts` are lists of one length,
//! and at each position one of them is null, or both. Or pairs: a picture and a text in each row.
//!
//! Pictures are named by their URLs or by files beside the table, or their bytes are there: in a
//! column `image_bytes`, or in `images` itself, as the library datasets writes them.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use flamingo_sequence::{Document, Part};

use crate::columns::word;
use crate::table::{IMAGES, TEXTS, Values};
use crate::{MediaBase, Report, Result, Sample, Table};

/// Columns that may say what a document is called, the surest first.
const GENERAL: &str = "general_metadata";
const NAMES: [&str; 2] = ["id", "url"];

/// The samples of a file, in its order; a picture whose bytes are there is named `ROW.POSITION`.
pub(crate) fn read(path: &Path, report: &mut Report, samples: &mut Vec<Sample>) -> Result<()> {
    read_some(path, None, report, samples)
}

/// The samples of one row group of a file; `first` is the number of its first row in the file.
pub(crate) fn read_group(
    path: &Path,
    group: usize,
    first: usize,
    report: &mut Report,
    samples: &mut Vec<Sample>,
) -> Result<()> {
    read_some(path, Some((group, first)), report, samples)
}

/// How many rows each row group of a file has.
pub(crate) fn groups(path: &Path) -> Result<Vec<usize>> {
    Ok(Table::open(path)?.groups())
}

fn read_some(
    path: &Path,
    group: Option<(usize, usize)>,
    report: &mut Report,
    samples: &mut Vec<Sample>,
) -> Result<()> {
    let table = Arc::new(Table::open(path)?);
    let [mut images, mut texts] = [IMAGES, TEXTS];
    if let Some(pairs) = table.pairs() {
        [images, texts] = [pairs.picture, pairs.text];
    }
    let columns = [images, texts, GENERAL, NAMES[0], NAMES[1]];
    let mut row = group.map_or(0, |(_, first)| first);
    let batches = table.rows(&columns, table.batch(), |builder| match group {
        Some((group, _)) => builder.with_row_groups(vec![group]),
        None => builder,
    })?;
    for batch in batches {
        if let Some(pairs) = table.pairs() {
            let batch = batch.map_err(table.broken())?;
            let pairs = pairs.rows(&batch, row).map_err(table.broken())?;
            row += take_pairs(&table, &batch, row, pairs, report, samples);
            continue;
        }
        let batch = batch.map_err(table.broken())?;
        let (images, texts) = (table.places(&batch, row)?, table.texts(&batch)?);
        for (index, (images, texts)) in images.into_iter().zip(texts).enumerate() {
            report.found += 1;
            match parts(images, texts) {
                Ok(parts) => samples.push(Sample {
                    document: Document {
                        id: id(&batch, index),
                        parts,
                    },
                    base: MediaBase::Table(table.clone()),
                }),
                Err(problem) => {
                    let name = format!("{}, row {}", path.display(), row + index);
                    report.leave_out(&name, "bad document", &problem);
                }
            }
        }
        row += batch.num_rows();
    }
    Ok(())
}

/// The samples of rows that are pairs of the place of a picture and a text; gives how many rows there are.
fn take_pairs(
    table: &Arc<Table>,
    batch: &RecordBatch,
    row: usize,
    pairs: Vec<(Option<String>, Option<String>)>,
    report: &mut Report,
    samples: &mut Vec<Sample>,
) -> usize {
    let rows = pairs.len();
    for (index, (place, said)) in pairs.into_iter().enumerate() {
        report.found += 1;
        let said = said.filter(|said| !said.trim().is_empty());
        let (Some(place), Some(said)) = (place, said) else {
            let name = format!("{}, row {}", table.path().display(), row + index);
            report.leave_out(&name, "no pair", &"its picture or its text is null");
            continue;
        };
        samples.push(Sample {
            document: Document {
                id: id(batch, index),
                parts: vec![Part::Image(place), Part::Text(said.trim().to_owned())],
            },
            base: MediaBase::Table(table.clone()),
        });
    }
    rows
}

/// The parts of a row; a list that is null is one of nulls.
fn parts(images: Values, texts: Values) -> Result<Vec<Part>, String> {
    let length = images.as_ref().or(texts.as_ref()).map_or(0, Vec::len);
    let nulls = || vec![None; length];
    let (images, texts) = (images.unwrap_or_else(nulls), texts.unwrap_or_else(nulls));
    if images.len() != texts.len() {
        let (images, texts) = (images.len(), texts.len());
        return Err(format!(
            "{images} images and {texts} texts: both lists need one length"
        ));
    }
    let mut parts = Vec::with_capacity(length);
    for (at, position) in images.into_iter().zip(texts).enumerate() {
        match position {
            (None, Some(text)) => parts.push(Part::Text(text)),
            (Some(place), None) => parts.push(Part::Image(place)),
            // A picture that a filter took away.
            (None, None) => {}
            (Some(_), Some(_)) => {
                return Err(format!("position {at} is both an image and a text"));
            }
        }
    }
    let document = Document::new(parts);
    document.check().map_err(|error| error.to_string())?;
    Ok(document.parts)
}

/// What the row calls the document: its column `id`, what `general_metadata` says, or its page's URL.
fn id(batch: &RecordBatch, index: usize) -> Option<String> {
    let of_column = |name| word(batch.column_by_name(name)?, index);
    of_column(NAMES[0])
        .or_else(|| general(batch, index))
        .or_else(|| of_column(NAMES[1]))
}

/// `general_metadata` is JSON or a struct.
fn general(batch: &RecordBatch, index: usize) -> Option<String> {
    let column = batch.column_by_name(GENERAL)?;
    if let Some(general) = column.as_struct_opt() {
        let of_field = |name: &&str| word(general.column_by_name(name)?, index);
        return NAMES
            .iter()
            .find_map(of_field)
            .filter(|_| general.is_valid(index));
    }
    let general: serde_json::Value = serde_json::from_str(&word(column, index)?).ok()?;
    NAMES.iter().find_map(|name| match general.get(name)? {
        serde_json::Value::String(name) => Some(name.clone()),
        serde_json::Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::File;

    use arrow::array::{
        ArrayRef, BinaryArray, BinaryBuilder, Int64Array, ListArray, ListBuilder, NullArray,
        StringArray, StringBuilder, StructArray,
    };
    use arrow::buffer::OffsetBuffer;
    use arrow::compute::cast;
    use arrow::datatypes::{DataType, Field, Fields};
    use flamingo_film::Reader;
    use flamingo_image::{Image, Media, Wanted};
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
            columns.push(("image_bytes", Arc::new(lists.finish())));
        }
        save(path, columns);
    }

    fn save(path: &Path, columns: Vec<(&str, ArrayRef)>) {
        let columns = columns
            .into_iter()
            .map(|(name, column)| (name, column, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
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
                let media = sample
                    .base
                    .load(place, kind, &Reader::default(), &Wanted::default())
                    .unwrap();
                assert_eq!(media, Media::Image(image.clone()));
            }
        }
        let base = &source.samples[0].base;
        for absent in ["0.0", "0.9", "99.0", "x"] {
            let error = base.load(
                absent,
                MediaKind::Image,
                &Reader::default(),
                &Wanted::default(),
            );
            let message = error.unwrap_err().to_string();
            assert!(
                message.contains("a.parquet") && message.contains(absent),
                "{message}"
            );
        }
    }

    fn list_of(kind: DataType, large: bool) -> DataType {
        let field = Arc::new(Field::new_list_field(kind, true));
        match large {
            true => DataType::LargeList(field),
            false => DataType::List(field),
        }
    }

    #[test]
    fn every_type_of_lists_texts_and_bytes_gives_the_same_documents() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let image = Image::solid(3, 5, [7, 11, 13]);
        let png = image.to_png();
        let names = list(&[vec![Some("u"), None], vec![None, None]]);
        let texts = list(&[vec![None, Some("a")], vec![Some("b"), Some("c")]]);
        let mut bytes = ListBuilder::new(BinaryBuilder::new());
        bytes.append_value([Some(&png), None]);
        bytes.append_value([None::<&[u8]>, None]);
        let bytes: ArrayRef = Arc::new(bytes.finish());
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        for (text, binary) in [
            (DataType::Utf8, DataType::Binary),
            (DataType::LargeUtf8, DataType::LargeBinary),
            (DataType::Utf8View, DataType::BinaryView),
            (dictionary, DataType::Binary),
        ] {
            for large in [false, true] {
                let as_text =
                    |array: &ArrayRef| cast(array, &list_of(text.clone(), large)).unwrap();
                let bytes = cast(&bytes, &list_of(binary.clone(), large)).unwrap();
                let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None]));
                save(
                    &path,
                    vec![
                        ("id", ids),
                        (IMAGES, as_text(&names)),
                        (TEXTS, as_text(&texts)),
                        ("image_bytes", bytes),
                    ],
                );
                let source = Source::read(Format::Parquet, &path).unwrap();
                let said = format!("{text} {large}");
                assert_eq!(source.samples.len(), 2, "{said}");
                let first = &source.samples[0];
                assert_eq!(first.document.id.as_deref(), Some("7"), "{said}");
                let expected = [Part::Image("0.0".into()), Part::Text("a".into())];
                assert_eq!(first.document.parts, expected, "{said}");
                let media = first.base.load(
                    "0.0",
                    MediaKind::Image,
                    &Reader::default(),
                    &Wanted::default(),
                );
                assert_eq!(media.unwrap(), Media::Image(image.clone()), "{said}");
                let expected = [Part::Text("b".into()), Part::Text("c".into())];
                assert_eq!(source.samples[1].document.parts, expected, "{said}");
            }
        }
    }

    #[test]
    fn pictures_as_structs_of_bytes_and_path_are_read_or_found_beside_the_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let image = Image::solid(3, 5, [7, 11, 13]);
        let png = image.to_png();
        std::fs::write(folder.path().join("b.png"), &png).unwrap();
        let fields = Fields::from(vec![
            Field::new("bytes", DataType::Binary, true),
            Field::new("path", DataType::Utf8, true),
        ]);
        let bytes = BinaryArray::from(vec![Some(&png[..]), None, None]);
        let paths = StringArray::from(vec![Some("a.png"), Some("b.png"), None]);
        let valid = vec![true, true, false].into();
        let structs = StructArray::new(fields, vec![Arc::new(bytes), Arc::new(paths)], Some(valid));
        let field = Arc::new(Field::new_list_field(structs.data_type().clone(), true));
        let lengths = OffsetBuffer::from_lengths([3]);
        let images: ArrayRef = Arc::new(ListArray::new(field, lengths, Arc::new(structs), None));
        let texts = list(&[vec![None, None, Some("a")]]);
        save(&path, vec![(IMAGES, images), (TEXTS, texts)]);
        let source = Source::read(Format::Parquet, &path).unwrap();
        let expected = [
            Part::Image("0.0".into()),
            Part::Image("b.png".into()),
            Part::Text("a".into()),
        ];
        let sample = &source.samples[0];
        assert_eq!(sample.document.parts, expected);
        for (_, kind, place) in sample.document.media() {
            let media = sample
                .base
                .load(place, kind, &Reader::default(), &Wanted::default())
                .unwrap();
            assert_eq!(media, Media::Image(image.clone()), "{place}");
        }
    }

    #[test]
    fn columns_of_nothing_but_nulls_are_read_whatever_type_that_gives_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let field = Arc::new(Field::new_list_field(DataType::Null, true));
        let (lengths, values) = (OffsetBuffer::from_lengths([2]), Arc::new(NullArray::new(2)));
        let nothing: ArrayRef = Arc::new(ListArray::new(field, lengths, values, None));
        let null: ArrayRef = Arc::new(NullArray::new(1));
        for (images, texts) in [
            (list(&[vec![Some("u"), None]]), nothing),
            (list(&[vec![Some("u"), None]]), null),
        ] {
            save(&path, vec![(IMAGES, images), (TEXTS, texts)]);
            let source = Source::read(Format::Parquet, &path).unwrap();
            let expected = [Part::Image("u".into())];
            assert_eq!(source.samples[0].document.parts, expected);
        }
    }

    #[test]
    fn the_page_is_named_by_metadata_of_every_kind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let named = |column: (&'static str, ArrayRef)| {
            let row = list(&[vec![None]]);
            save(
                &path,
                vec![(IMAGES, row), (TEXTS, list(&[vec![Some("a")]])), column],
            );
            let source = Source::read(Format::Parquet, &path).unwrap();
            source.samples[0].document.id.clone()
        };
        let json = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
        let large = cast(&json(r#"{"url": "u"}"#), &DataType::LargeUtf8).unwrap();
        assert_eq!(named((GENERAL, large)).as_deref(), Some("u"));
        let number = named((GENERAL, json(r#"{"id": 7, "url": "u"}"#)));
        assert_eq!(number.as_deref(), Some("7"));
        let fields = Fields::from(vec![Field::new("url", DataType::Utf8, true)]);
        let general = StructArray::new(fields, vec![json("u")], None);
        assert_eq!(named((GENERAL, Arc::new(general))).as_deref(), Some("u"));
        assert_eq!(named(("url", json("u"))).as_deref(), Some("u"));
        assert_eq!(named(("other", json("u"))), None);
    }

    #[test]
    fn a_column_of_another_type_is_named_with_that_type() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let strings = list(&[vec![Some("1")]]);
        let numbers = cast(&strings, &list_of(DataType::Int64, false)).unwrap();
        let plain: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        for (images, texts, column, kind) in [
            (&strings, &numbers, "`texts`", "Int64"),
            (&numbers, &strings, "`images`", "Int64"),
            (&strings, &plain, "`texts`", "Utf8"),
        ] {
            save(
                &path,
                vec![(IMAGES, images.clone()), (TEXTS, texts.clone())],
            );
            let error = Source::read(Format::Parquet, &path).unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains(column) && message.contains(kind) && message.contains("a.parquet"),
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
