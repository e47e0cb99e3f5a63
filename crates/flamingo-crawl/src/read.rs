//! One stream of items, whatever they are read from.

use std::io::{Cursor, Read};
use std::sync::Arc;

use url::Url;

use crate::compress::{Encoding, gunzip};
use crate::input::{image_type, picture_type};
use crate::options::ReadOptions;
use crate::pages;
use crate::source::Source;
use crate::store::url_of;
use crate::warc::{self, Warc, codec};
use crate::{Answer, Counts, Item, Place, Reason, Result, Skipped};

/// The items of a unit. After an error there are no more.
pub struct Items {
    source: Option<Box<dyn Source>>,
    counts: Counts,
    bytes_read: u64,
}

impl Items {
    pub(crate) fn new(source: impl Source + 'static) -> Self {
        Self {
            source: Some(Box::new(source)),
            counts: Counts::default(),
            bytes_read: 0,
        }
    }

    /// The items of a WARC that is no file of its own, such as a stream. `name` is what places in it say.
    ///
    /// # Errors
    /// If its first bytes cannot be read.
    pub fn from_warc(
        name: &str,
        reader: impl Read + Send + 'static,
        options: &ReadOptions,
    ) -> Result<Self> {
        let input = warc::Input {
            reader: Box::new(reader),
            name: name.into(),
            start: Some(0),
            size: None,
            dictionary: None,
        };
        Ok(Self::new(Warc::new(input, options)?))
    }

    /// The items of a saved page that is in memory: MHTML or HAR by its first bytes, else HTML.
    #[must_use]
    pub fn from_saved(bytes: &[u8], options: &ReadOptions) -> Vec<Item> {
        let file = Url::parse("file:///saved").expect("it is a URL");
        pages::items(bytes, None, &file, &mut |_| None, options)
    }

    /// What has come so far: `answers`, `redirects`, `revisits`, and every [`Reason`](crate::Reason) and
    /// [`Fault`](crate::Fault) by its name.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many bytes of the unit's files have been taken.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    fn advance(&mut self) -> Result<Option<Item>> {
        let Some(source) = &mut self.source else {
            return Ok(None);
        };
        let item = source.next(&mut self.counts)?;
        self.bytes_read = source.bytes_read();
        match &item {
            Some(Item::Answer(_)) => self.counts.add("answers", 1),
            Some(Item::Redirect(_)) => self.counts.add("redirects", 1),
            Some(Item::Revisit(_)) => self.counts.add("revisits", 1),
            Some(Item::Skipped(Skipped { reason, .. })) => self.counts.skip(*reason),
            None => self.source = None,
        }
        Ok(item)
    }
}

impl Iterator for Items {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.advance();
        if item.is_err() {
            self.source = None;
        }
        item.transpose()
    }
}

/// Reads the one answer at a place again; `None` if there is none any more.
///
/// # Errors
/// If the file cannot be read.
pub fn read_at(place: &Place, options: &ReadOptions) -> Result<Option<Answer>> {
    let stores = &options.stores;
    let bytes = stores.read_range(&place.file, place.offset, place.length)?;
    let may_be_warc = bytes.starts_with(b"WARC/") || Encoding::sniff(&bytes).is_some();
    if may_be_warc && let Some(item) = read_record(place, bytes.clone(), options)? {
        let answer = match item {
            Item::Answer(answer) => Some(answer),
            _ => None,
        };
        return Ok(answer.map(|answer| Answer {
            place: Some(place.clone()),
            ..answer
        }));
    }
    let url = url_of(&place.file, false).map_or_else(|| place.file.to_string(), Url::into);
    let max = usize::try_from(options.max_body).unwrap_or(usize::MAX);
    let content_type = picture_type(&bytes).or_else(|| image_type(&place.file));
    Ok(Some(Answer {
        place: Some(place.clone()),
        ..Answer::new(url, content_type, gunzip(&bytes, max))
    }))
}

/// The record that these bytes hold; `None` if they hold something else.
fn read_record(place: &Place, bytes: Vec<u8>, options: &ReadOptions) -> Result<Option<Item>> {
    let mut dictionary = None;
    if place.offset > 0 && Encoding::sniff(&bytes) == Some(Encoding::Zstd) {
        let stores = &options.stores;
        let head = stores.read_range(&place.file, 0, codec::HEAD as u64)?;
        if let Some(length) = codec::dictionary_length(&head) {
            dictionary = Some(stores.read_range(&place.file, 0, length as u64)?);
        }
    }
    let input = warc::Input {
        size: Some(bytes.len() as u64),
        reader: Box::new(Cursor::new(bytes)),
        name: Arc::clone(&place.file),
        start: Some(0),
        dictionary,
    };
    let item = Warc::new(input, options)?.next(&mut Counts::default())?;
    Ok(item.filter(|item| {
        let garbage = [Reason::Garbage, Reason::DamagedCompression, Reason::Clipped];
        !matches!(item, Item::Skipped(skipped) if garbage.contains(&skipped.reason))
    }))
}
