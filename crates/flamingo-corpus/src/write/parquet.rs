//! Parquet in the schema of OBELICS: `images` and `texts` of equal length, one of them null at
//! each position.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow::array::{ArrayRef, BinaryBuilder, ListBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use flamingo_page::document::{Item, items};
use flamingo_page::{Image, Part, is_data_url};
use flamingo_sequence::{Document, Part as Written};
use serde_json::{Value, json};

use super::file::{OutputFile, Series};
use super::{Finished, Medium, Outcome, Record, Writer};
use crate::Result;
use crate::tables::unwritten;

/// Documents and bytes that are held until they are compressed together.
const BATCH_ROWS: usize = 512;
const BATCH_BYTES: usize = 32 << 20;

/// Writes `images`, `metadata`, `general_metadata`, `texts`, and on request `image_bytes`. Films
/// have no place in this schema: they are left out.
pub(super) struct Parquet {
    files: Series,
    writer: Option<ArrowWriter<OutputFile>>,
    schema: Arc<Schema>,
    embed: bool,
    batch: Batch,
}

/// Rows that are not yet in the file.
struct Batch {
    images: ListBuilder<StringBuilder>,
    metadata: StringBuilder,
    general: StringBuilder,
    texts: ListBuilder<StringBuilder>,
    image_bytes: ListBuilder<BinaryBuilder>,
    rows: usize,
    bytes: usize,
}

impl Parquet {
    pub(super) fn new(files: Series, embed: bool) -> Self {
        Self {
            files,
            writer: None,
            schema: schema(embed),
            embed,
            batch: Batch::new(),
        }
    }

    /// Hands the rows on to the file; ends it if it is full.
    fn flush(&mut self) -> Result<()> {
        if self.batch.rows == 0 {
            return Ok(());
        }
        let batch = self.batch.take(&self.schema, self.embed);
        let writer = writer(&mut self.writer, &self.files, &self.schema)?;
        let path = writer.inner().path().to_path_buf();
        let failed = || unwritten(&path);
        writer.write(&batch).map_err(failed())?;
        writer.flush().map_err(failed())?;
        let bytes = writer.bytes_written() as u64;
        if let Some(full) = self.writer.take_if(|_| self.files.is_full(bytes, 1)) {
            self.files.close(full.into_inner().map_err(failed())?)?;
        }
        Ok(())
    }
}

impl Writer for Parquet {
    fn write(&mut self, record: &Record) -> Result<Outcome> {
        let is_image = |index: usize| matches!(record.page.parts[index], Part::Image(_));
        let items = items(&record.page, is_image);
        if items.is_empty() {
            return Ok(Outcome::Empty);
        }
        let writer = writer(&mut self.writer, &self.files, &self.schema)?;
        let document = self.batch.add(record, &items, self.embed);
        writer.inner_mut().holds.count(&document);
        if self.batch.rows >= BATCH_ROWS || self.batch.bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(Outcome::Written)
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Finished>> {
        self.flush()?;
        if let Some(last) = self.writer.take() {
            let path = last.inner().path().to_path_buf();
            self.files
                .close(last.into_inner().map_err(unwritten(&path))?)?;
        }
        Ok(self.files.into_finished())
    }
}

impl Batch {
    fn new() -> Self {
        let strings = || ListBuilder::new(StringBuilder::new()).with_field(element(DataType::Utf8));
        Self {
            images: strings(),
            metadata: StringBuilder::new(),
            general: StringBuilder::new(),
            texts: strings(),
            image_bytes: ListBuilder::new(BinaryBuilder::new())
                .with_field(element(DataType::Binary)),
            rows: 0,
            bytes: 0,
        }
    }

    /// Adds a row; its document, to be counted.
    fn add(&mut self, record: &Record, items: &[Item], embed: bool) -> Document {
        let mut described = Vec::new();
        let mut parts = Vec::new();
        for item in items {
            let (url, text, medium) = match item {
                Item::Text(text) => (None, Some(text), None),
                Item::Medium(index) => {
                    let medium = record.media.get(*index).and_then(Option::as_ref);
                    (image(&record.page.parts[*index]), None, medium)
                }
            };
            // A picture that stands in its page can be read from no other place.
            let inline = url.filter(|image| !embed && is_data_url(&image.url));
            let inline = inline.and(medium).map(Medium::data_url);
            let place = inline.as_deref().or(url.map(|image| image.url.as_str()));
            self.images.values().append_option(place);
            self.bytes += inline.as_ref().map_or(0, String::len);
            self.texts.values().append_option(text);
            let bytes = medium.filter(|_| embed).map(|medium| &medium.bytes);
            self.image_bytes.values().append_option(bytes);
            self.bytes += text.map_or(0, String::len) + bytes.map_or(0, Vec::len);
            described.push(url.map_or(Value::Null, |image| describe(record, image, medium)));
            parts.extend(text.map(|text| Written::Text(text.clone())));
            parts.extend(url.map(|image| Written::Image(image.url.clone())));
        }
        self.images.append(true);
        self.texts.append(true);
        self.image_bytes.append(true);
        self.metadata
            .append_value(Value::from(described).to_string());
        self.general.append_value(general(record).to_string());
        self.rows += 1;
        Document::new(parts)
    }

    fn take(&mut self, schema: &Arc<Schema>, embed: bool) -> RecordBatch {
        (self.rows, self.bytes) = (0, 0);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.images.finish()),
            Arc::new(self.metadata.finish()),
            Arc::new(self.general.finish()),
            Arc::new(self.texts.finish()),
        ];
        let image_bytes = self.image_bytes.finish();
        if embed {
            columns.push(Arc::new(image_bytes));
        }
        RecordBatch::try_new(schema.clone(), columns)
            .expect("each row adds one value to each column of the schema")
    }
}

fn image(part: &Part) -> Option<&Image> {
    match part {
        Part::Image(image) => Some(image),
        Part::Text(_) | Part::Video(_) => None,
    }
}

/// What OBELICS says of a picture, under its names, and the caption and checksum beside.
fn describe(record: &Record, image: &Image, medium: Option<&Medium>) -> Value {
    json!({
        "document_url": record.page.url,
        "src": image.url,
        "alt_text": image.alt,
        "caption": image.caption,
        "rendered_width": image.width,
        "rendered_height": image.height,
        "original_width": medium.map(|medium| medium.width),
        "original_height": medium.map(|medium| medium.height),
        "format": medium.map(|medium| &medium.extension),
        "sha256": medium.map(|medium| &medium.sha256),
    })
}

fn general(record: &Record) -> Value {
    json!({
        "url": record.page.url,
        "id": record.id,
        "title": record.page.title,
        "language": record.page.language,
    })
}

fn element(kind: DataType) -> Arc<Field> {
    Arc::new(Field::new("element", kind, true))
}

fn schema(embed: bool) -> Arc<Schema> {
    let list = |name, kind| Field::new(name, DataType::List(element(kind)), false);
    let mut fields = vec![
        list("images", DataType::Utf8),
        Field::new("metadata", DataType::Utf8, false),
        Field::new("general_metadata", DataType::Utf8, false),
        list("texts", DataType::Utf8),
    ];
    if embed {
        fields.push(list("image_bytes", DataType::Binary));
    }
    Arc::new(Schema::new(fields))
}

/// The writer of the current file, or of a new one.
fn writer<'a>(
    current: &'a mut Option<ArrowWriter<OutputFile>>,
    files: &Series,
    schema: &Arc<Schema>,
) -> Result<&'a mut ArrowWriter<OutputFile>> {
    if let Some(writer) = current {
        return Ok(writer);
    }
    let file = files.open()?;
    let path = file.path().to_path_buf();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties));
    Ok(current.insert(writer.map_err(unwritten(&path))?))
}
