//! A Parquet file in the schema of OBELICS, and the pictures in it.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::errors::ParquetError;

use crate::columns::{bytes, element, field, is_bytes, is_text, lists, row, texts};
use crate::pair_columns::PairColumns;
use crate::{Error, Result};

pub(crate) const IMAGES: &str = "images";
pub(crate) const TEXTS: &str = "texts";
const BYTES: &str = "image_bytes";

/// Where the pictures of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pictures {
    /// Elsewhere: `images` has their names.
    Named,
    /// In `image_bytes`, and `images` has their names.
    Beside,
    /// In `images`.
    Inside,
    /// In `images`, as `bytes` or `path` of a struct: what Hugging Face's datasets calls an image.
    Structs,
    /// One a row, with its text: [`PairColumns`].
    Pairs,
}

impl Pictures {
    /// # Errors
    /// What is missing, or which column is of another type than documents need.
    fn of(schema: &Schema) -> Result<Self, String> {
        let kind = |name: &str| {
            let found = schema.column_with_name(name);
            found.map(|(_, field)| field.data_type()).ok_or_else(|| {
                format!("it has no column `{name}`; OBELICS' schema has `images` and `texts`")
            })
        };
        let wrong = |name: &str, found: &DataType, wanted: &str| {
            Err(format!(
                "its column `{name}` is {found}: it should be {wanted}"
            ))
        };
        let is_list_of = |kind: &DataType, is: fn(&DataType) -> bool| element(kind).is_some_and(is);
        let (images, texts) = (kind(IMAGES)?, kind(TEXTS)?);
        if !is_list_of(texts, is_text) {
            return wrong(TEXTS, texts, "lists of strings");
        }
        match kind(BYTES) {
            Ok(bytes) if !is_list_of(bytes, is_bytes) => {
                return wrong(BYTES, bytes, "lists of bytes");
            }
            Ok(_) if is_list_of(images, is_text) => return Ok(Pictures::Beside),
            _ => {}
        }
        if is_list_of(images, is_text) {
            Ok(Pictures::Named)
        } else if is_list_of(images, is_bytes) {
            Ok(Pictures::Inside)
        } else if is_list_of(images, is_picture) {
            Ok(Pictures::Structs)
        } else {
            let wanted = "lists of strings, of bytes, or of structs of `bytes` and `path`";
            wrong(IMAGES, images, wanted)
        }
    }

    /// The column that has the bytes.
    fn column(self) -> Option<&'static str> {
        match self {
            Pictures::Named | Pictures::Pairs => None,
            Pictures::Beside => Some(BYTES),
            Pictures::Inside | Pictures::Structs => Some(IMAGES),
        }
    }
}

/// Whether it is a struct of `bytes` and `path`, or of one of them.
fn is_picture(kind: &DataType) -> bool {
    let (bytes, path) = (field(kind, "bytes"), field(kind, "path"));
    (bytes.is_some() || path.is_some()) && bytes.is_none_or(is_bytes) && path.is_none_or(is_text)
}

/// An open Parquet file, whose pictures are read when asked for.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    pictures: Pictures,
    pairs: Option<PairColumns>,
}

impl Table {
    /// Reads the file's own description.
    ///
    /// # Errors
    /// [`Error::Read`] if it is no Parquet file, [`Error::Nothing`] if it lacks a column or one is
    /// of a type that is not read.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::read(path))?;
        let metadata =
            ArrowReaderMetadata::load(&file, Default::default()).map_err(failed(path))?;
        let pairs = PairColumns::of(metadata.schema());
        let pictures = match (Pictures::of(metadata.schema()), &pairs) {
            (Ok(pictures), _) => pictures,
            (Err(_), Some(_)) => Pictures::Pairs,
            (Err(problem), None) => {
                return Err(Error::Nothing {
                    path: path.to_path_buf(),
                    problem: format!(
                        "{problem}; and no pairs, which have `image` and `text` or `caption`"
                    ),
                });
            }
        };
        Ok(Self {
            path: path.to_path_buf(),
            metadata,
            pairs: pairs.filter(|_| pictures == Pictures::Pairs),
            pictures,
        })
    }

    /// The Parquet file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many rows each row group has.
    pub(crate) fn groups(&self) -> Vec<usize> {
        let groups = self.metadata.metadata().row_groups();
        groups
            .iter()
            .map(|group| group.num_rows() as usize)
            .collect()
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
        let of_pairs = self.pairs.as_ref().filter(|pairs| pairs.has_bytes);
        let of_pairs = of_pairs.map(|pairs| pairs.picture);
        let column = self.pictures.column().or(of_pairs).ok_or_else(absent)?;
        let mut rows = self.rows(&[column], 1, |builder| {
            let skipped = RowSelector::skip(row);
            builder.with_row_selection(RowSelection::from(vec![skipped, RowSelector::select(1)]))
        })?;
        let batch = rows.next().ok_or_else(absent)?.map_err(self.broken())?;
        let bytes = match &self.pairs {
            Some(pairs) if position == 0 => pairs.bytes(batch.column(0)),
            Some(_) => Ok(None),
            None => self.bytes(batch.column(0), position),
        };
        bytes.map_err(self.broken())?.ok_or_else(absent)
    }

    /// Whether `name` is the row and position of a picture that could be in the file.
    pub(crate) fn has_picture(&self, name: &str) -> bool {
        let are_inside = match &self.pairs {
            Some(pairs) => pairs.has_bytes,
            None => self.pictures != Pictures::Named,
        };
        are_inside && place(name).is_some()
    }

    /// The bytes of a picture of the first row of the column that has them.
    fn bytes(&self, column: &ArrayRef, position: usize) -> Result<Option<Vec<u8>>, ArrowError> {
        let Some(element) = element(column.data_type()) else {
            return Ok(None);
        };
        let values = row(&lists(column, element.clone())?, 0);
        let Some(values) = values.filter(|values| position < values.len()) else {
            return Ok(None);
        };
        let values = values.slice(position, 1);
        let values = match self.pictures {
            Pictures::Structs => match values.as_struct().column_by_name("bytes") {
                Some(child) if values.is_valid(0) => bytes(child)?,
                _ => return Ok(None),
            },
            _ => bytes(&values)?,
        };
        Ok(values.is_valid(0).then(|| values.value(0).to_vec()))
    }

    /// The columns of a file whose rows are pairs.
    pub(crate) fn pairs(&self) -> Option<&PairColumns> {
        self.pairs.as_ref()
    }

    /// How many rows are decoded at once: fewer where their pictures are, too.
    pub(crate) fn batch(&self) -> usize {
        match self.pictures {
            Pictures::Named | Pictures::Beside => 256,
            Pictures::Inside | Pictures::Structs | Pictures::Pairs => 16,
        }
    }

    /// What documents call the pictures of the rows of a batch, whose first one is row `first` of
    /// the file, by row and position.
    ///
    /// # Errors
    /// [`Error::Read`] if the column is broken.
    pub(crate) fn places(&self, batch: &RecordBatch, first: usize) -> Result<Vec<Values>> {
        let column = batch.column_by_name(IMAGES).expect("it is projected");
        let kind = match self.pictures {
            Pictures::Named | Pictures::Beside => DataType::LargeUtf8,
            Pictures::Inside => DataType::LargeBinary,
            Pictures::Structs | Pictures::Pairs => element(column.data_type())
                .cloned()
                .unwrap_or(DataType::Null),
        };
        let lists = lists(column, kind).map_err(self.broken())?;
        let of_row = |index| match row(&lists, index) {
            Some(values) => self.places_of_row(&values, first + index).map(Some),
            None => Ok(None),
        };
        let places: Result<_, ArrowError> = (0..lists.len()).map(of_row).collect();
        places.map_err(self.broken())
    }

    fn places_of_row(
        &self,
        values: &ArrayRef,
        row: usize,
    ) -> Result<Vec<Option<String>>, ArrowError> {
        let inside = |at: usize| format!("{row}.{at}");
        let all = 0..values.len();
        if self.pictures == Pictures::Structs {
            let structs = values.as_struct();
            let bytes = structs.column_by_name("bytes");
            let paths = structs.column_by_name("path").map(texts).transpose()?;
            let place = |at: usize| match (bytes, &paths) {
                _ if structs.is_null(at) => None,
                (Some(bytes), _) if bytes.is_valid(at) => Some(inside(at)),
                (_, Some(paths)) if paths.is_valid(at) => Some(paths.value(at).to_owned()),
                _ => None,
            };
            return Ok(all.map(place).collect());
        }
        let names = (self.pictures == Pictures::Named).then(|| values.as_string::<i64>());
        let place = |at: usize| match names {
            Some(names) => names.value(at).to_owned(),
            None => inside(at),
        };
        Ok(all
            .map(|at| values.is_valid(at).then(|| place(at)))
            .collect())
    }

    /// The texts of the rows of a batch, by row and position.
    ///
    /// # Errors
    /// [`Error::Read`] if the column is broken.
    pub(crate) fn texts(&self, batch: &RecordBatch) -> Result<Vec<Values>> {
        let column = batch.column_by_name(TEXTS).expect("it is projected");
        let lists = lists(column, DataType::LargeUtf8).map_err(self.broken())?;
        let of_row = |index| -> Values {
            let values = row(&lists, index)?;
            let texts = values.as_string::<i64>().iter();
            Some(texts.map(|text| text.map(str::to_owned)).collect())
        };
        Ok((0..lists.len()).map(of_row).collect())
    }

    /// The error of what is broken in the file.
    pub(crate) fn broken(&self) -> impl FnOnce(ArrowError) -> Error {
        let failed = failed(&self.path);
        move |error| failed(error.into())
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

/// The values of a row by position; none if the whole list is null.
pub(crate) type Values = Option<Vec<Option<String>>>;

fn place(name: &str) -> Option<(usize, usize)> {
    let (row, position) = name.split_once('.')?;
    Some((row.parse().ok()?, position.parse().ok()?))
}

fn failed(path: &Path) -> impl FnOnce(ParquetError) -> Error {
    let read = Error::read(path);
    |error| read(std::io::Error::other(error))
}
