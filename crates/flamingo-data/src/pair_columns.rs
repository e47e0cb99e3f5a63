//! Columns of a Parquet file in which every row is a picture with its text, as Hugging Face's `datasets` and others
//! write them.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;

use crate::columns::{bytes, field, is_bytes, is_text, texts, word};

/// What the column of pictures may be called.
const PICTURES: [&str; 7] = [
    "image",
    "img",
    "picture",
    "jpg",
    "png",
    "webp",
    "image_path",
];
/// What the column of texts may be called; of two, the first.
const TEXTS: [&str; 4] = ["text", "caption", "txt", "label"];

/// Where a row's picture and text are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PairColumns {
    pub(crate) picture: &'static str,
    /// Whether the pictures are there, not only their names.
    pub(crate) has_bytes: bool,
    pub(crate) text: &'static str,
    /// What the numbers of a column of classes mean.
    classes: Vec<String>,
}

impl PairColumns {
    /// The columns of a file, if it has both.
    pub(crate) fn of(schema: &Schema) -> Option<Self> {
        let kind = |name: &str| {
            let (_, field) = schema.column_with_name(name)?;
            Some(field.data_type())
        };
        let is_picture = |kind: &DataType| {
            let inner = field(kind, "bytes").is_some_and(is_bytes);
            inner || *kind != DataType::Null && (is_text(kind) || is_bytes(kind))
        };
        let is_said = |kind: &DataType| is_text(kind) || kind.is_integer();
        let find = |names: &'static [&'static str], fits: &dyn Fn(&DataType) -> bool| {
            names.iter().find(|name| kind(name).is_some_and(fits))
        };
        let (picture, text) = (find(&PICTURES, &is_picture)?, find(&TEXTS, &is_said)?);
        let classes = classes(schema, text).unwrap_or_default();
        if kind(text)?.is_integer() && classes.is_empty() {
            return None;
        }
        Some(Self {
            picture,
            has_bytes: !is_text(kind(picture)?),
            text,
            classes,
        })
    }

    /// For each row of a batch, whose first one is row `first` of the file, the place of its picture and its text.
    #[allow(clippy::type_complexity)]
    pub(crate) fn rows(
        &self,
        batch: &RecordBatch,
        first: usize,
    ) -> Result<Vec<(Option<String>, Option<String>)>, ArrowError> {
        let column = |name: &str| batch.column_by_name(name).expect("it is projected");
        let (pictures, said) = (column(self.picture), column(self.text));
        let places = self.places(pictures, first)?;
        let said = (0..batch.num_rows()).map(|index| {
            let said = word(said, index)?;
            match self.classes.is_empty() {
                true => Some(said),
                false => self.classes.get(said.parse::<usize>().ok()?).cloned(),
            }
        });
        Ok(places.into_iter().zip(said).collect())
    }

    fn places(&self, pictures: &ArrayRef, first: usize) -> Result<Vec<Option<String>>, ArrowError> {
        let inside = |index: usize| Some(format!("{}.0", first + index));
        let names = |column: &ArrayRef| -> Result<Vec<Option<String>>, ArrowError> {
            let names = texts(column)?;
            Ok(names.iter().map(|name| name.map(str::to_owned)).collect())
        };
        if !self.has_bytes {
            return names(pictures);
        }
        let Some(structs) = pictures.as_struct_opt() else {
            let all = 0..pictures.len();
            return Ok(all
                .map(|index| inside(index).filter(|_| pictures.is_valid(index)))
                .collect());
        };
        let bytes = structs.column_by_name("bytes").expect("it was looked for");
        // A picture that was left where it is has only a path.
        let paths = match structs.column_by_name("path") {
            Some(paths) => names(paths)?,
            None => vec![None; structs.len()],
        };
        let place = |(index, path): (usize, Option<String>)| match structs.is_valid(index) {
            true if bytes.is_valid(index) => inside(index),
            true => path,
            false => None,
        };
        Ok(paths.into_iter().enumerate().map(place).collect())
    }

    /// The bytes of the picture of the first row of its column.
    pub(crate) fn bytes(&self, column: &ArrayRef) -> Result<Option<Vec<u8>>, ArrowError> {
        let column = match column.as_struct_opt() {
            Some(structs) => structs.column_by_name("bytes").expect("it was looked for"),
            None => column,
        };
        let values = bytes(column)?;
        Ok(values.is_valid(0).then(|| values.value(0).to_vec()))
    }
}

/// The names of the classes of a column, as `datasets` notes them in a file.
fn classes(schema: &Schema, column: &str) -> Option<Vec<String>> {
    let notes = schema.metadata().get("huggingface")?;
    let notes: serde_json::Value = serde_json::from_str(notes).ok()?;
    let names = notes["info"]["features"][column]["names"].as_array()?;
    let names = names.iter().map(|name| Some(name.as_str()?.to_owned()));
    names.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashMap;
    use std::path::Path;
    use std::sync::Arc;

    use arrow::array::{BinaryArray, Int64Array, StringArray, StructArray};
    use arrow::datatypes::Field;
    use flamingo_film::Reader;
    use flamingo_image::{Image, Wanted};
    use flamingo_sequence::{MediaKind, Part};
    use parquet::arrow::ArrowWriter;

    use super::*;
    use crate::{Format, Source};

    fn write(path: &Path, columns: Vec<(&str, ArrayRef)>, notes: Option<&str>) {
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
            .collect();
        let notes = notes.map(|notes| ("huggingface".to_owned(), notes.to_owned()));
        let schema =
            Schema::new_with_metadata(fields, notes.into_iter().collect::<HashMap<_, _>>());
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        let batch = RecordBatch::try_new(Arc::new(schema), columns).unwrap();
        let file = std::fs::File::create(path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn texts(source: &Source) -> Vec<Part> {
        source
            .samples
            .iter()
            .map(|sample| sample.document.parts[1].clone())
            .collect()
    }

    #[test]
    fn pictures_with_captions_are_pairs_whether_they_are_there_or_named() {
        let folder = tempfile::tempdir().unwrap();
        let png = Image::solid(3, 2, [9, 8, 7]).to_png();
        std::fs::write(folder.path().join("beside.png"), &png).unwrap();
        let bytes = BinaryArray::from(vec![Some(&png[..]), None, None, Some(&png)]);
        let paths = StringArray::from(vec![Some("x.png"), Some("beside.png"), None, None]);
        let said: ArrayRef = Arc::new(StringArray::from(vec![
            Some("a"),
            Some("b"),
            Some("c"),
            None,
        ]));
        let structs = StructArray::from(vec![
            (
                Arc::new(Field::new("bytes", DataType::Binary, true)),
                Arc::new(bytes) as ArrayRef,
            ),
            (
                Arc::new(Field::new("path", DataType::Utf8, true)),
                Arc::new(paths) as ArrayRef,
            ),
        ]);
        let path = folder.path().join("a.parquet");
        write(
            &path,
            vec![("image", Arc::new(structs)), ("caption", said.clone())],
            None,
        );
        let source = Source::read(Format::Parquet, &path).unwrap();
        assert_eq!(
            (source.report.found, source.report.left_out["no pair"]),
            (4, 2)
        );
        assert_eq!(
            texts(&source),
            [Part::Text("a".into()), Part::Text("b".into())]
        );
        for sample in &source.samples {
            let (_, _, place) = sample.document.media().next().unwrap();
            let loaded = sample.base.load(
                place,
                MediaKind::Image,
                &Reader::default(),
                &Wanted::default(),
            );
            assert!(loaded.is_ok(), "{place}");
        }
        let names: ArrayRef = Arc::new(StringArray::from(vec!["beside.png"; 4]));
        write(&path, vec![("image_path", names), ("text", said)], None);
        let source = Source::read(Format::Parquet, &path).unwrap();
        assert_eq!(
            source.samples[2].document.parts[0],
            Part::Image("beside.png".into())
        );
    }

    #[test]
    fn numbers_of_classes_are_their_names_where_the_file_says_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let png = Image::solid(3, 2, [9, 8, 7]).to_png();
        let pictures: ArrayRef = Arc::new(BinaryArray::from(vec![&png[..]; 3]));
        let labels: ArrayRef = Arc::new(Int64Array::from(vec![1, 0, 7]));
        let notes = r#"{"info": {"features": {"label": {"names": ["ape", "bee"], "_type": "ClassLabel"}}}}"#;
        let columns = vec![("img", pictures), ("label", labels)];
        write(&path, columns.clone(), Some(notes));
        let source = Source::read(Format::Parquet, &path).unwrap();
        assert_eq!(
            texts(&source),
            [Part::Text("bee".into()), Part::Text("ape".into())]
        );
        assert_eq!(source.report.left_out["no pair"], 1);
        write(&path, columns, None);
        let told = Source::read(Format::Parquet, &path)
            .unwrap_err()
            .to_string();
        assert!(told.contains("no column `images`"), "{told}");
    }
}
