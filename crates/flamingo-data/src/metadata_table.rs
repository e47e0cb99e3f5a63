//! `metadata.parquet`: what the pictures of a folder show, a row each.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value};

use crate::columns::{element, is_text, lists, row, texts};
use crate::{Error, Result};

/// Gives each row as an object of its columns of texts and of lists of texts, with its number from 1.
///
/// # Errors
/// [`Error::Read`] if it is no Parquet file, or a broken one.
pub(crate) fn rows(path: &Path, mut take: impl FnMut(usize, Value)) -> Result<()> {
    let file = File::open(path).map_err(Error::read(path))?;
    let broken = |error| Error::read(path)(std::io::Error::other(error));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file);
    let reader = reader.and_then(ParquetRecordBatchReaderBuilder::build);
    let mut number = 0;
    for batch in reader.map_err(|error| broken(ArrowError::from(error)))? {
        for object in batch.and_then(|batch| objects(&batch)).map_err(broken)? {
            number += 1;
            take(number, Value::Object(object));
        }
    }
    Ok(())
}

fn objects(batch: &RecordBatch) -> Result<Vec<Map<String, Value>>, ArrowError> {
    let mut objects = vec![Map::new(); batch.num_rows()];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let values = if is_text(field.data_type()) {
            words(column)?
        } else if element(field.data_type()).is_some_and(is_text) {
            let lists = lists(column, DataType::LargeUtf8)?;
            let value = |index| {
                let values = row(&lists, index)?;
                let words = values.as_string::<i64>().iter().map(Value::from);
                Some(Value::Array(words.collect()))
            };
            (0..lists.len()).map(value).collect()
        } else {
            continue;
        };
        for (object, value) in objects.iter_mut().zip(values) {
            object.extend(value.map(|value| (field.name().clone(), value)));
        }
    }
    Ok(objects)
}

/// The text of each row; none where it is null.
fn words(column: &ArrayRef) -> Result<Vec<Option<Value>>, ArrowError> {
    let words = texts(column)?;
    Ok(words.iter().map(|word| word.map(Value::from)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use arrow::array::{Int64Array, ListArray, StringArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{Field, Schema};
    use flamingo_sequence::Part;
    use parquet::arrow::ArrowWriter;

    use crate::{Format, Source};

    #[test]
    fn a_row_names_one_picture_or_several_and_one_without_a_text_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metadata.parquet");
        let one = StringArray::from(vec![Some("a.png"), None, Some("c.png")]);
        let names = Arc::new(StringArray::from(vec!["1.png", "2.png"]));
        let element = Arc::new(Field::new_list_field(super::DataType::Utf8, true));
        let offsets = OffsetBuffer::new(vec![0, 0, 2, 2].into());
        let several = ListArray::new(element, offsets, names, None);
        let said = StringArray::from(vec![Some("a cat"), Some("two"), None]);
        let other = Int64Array::from(vec![1, 2, 3]);
        let columns: Vec<(&str, super::ArrayRef)> = vec![
            ("file_name", Arc::new(one)),
            ("images_file_names", Arc::new(several)),
            ("text", Arc::new(said)),
            ("width", Arc::new(other)),
        ];
        let field = |(name, column): &(&str, super::ArrayRef)| {
            Field::new(*name, column.data_type().clone(), true)
        };
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        let batch = super::RecordBatch::try_new(schema.clone(), columns).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, schema, None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        assert_eq!(Format::recognise(folder.path()).unwrap(), Format::Captions);
        let source = Source::read(Format::Captions, folder.path()).unwrap();
        assert_eq!((source.report.found, source.samples.len()), (3, 2));
        assert_eq!(source.report.left_out["no caption"], 1);
        let parts = |at: usize| source.samples[at].document.parts.clone();
        let picture = |name: &str| Part::Image(name.into());
        assert_eq!(parts(0), [picture("a.png"), Part::Text("a cat".into())]);
        assert_eq!(
            parts(1),
            [picture("1.png"), picture("2.png"), Part::Text("two".into())]
        );
        std::fs::write(&path, "none").unwrap();
        let told = Source::read(Format::Captions, &path).unwrap_err();
        assert!(told.to_string().contains("metadata.parquet"), "{told}");
    }
}
