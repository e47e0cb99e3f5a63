//! How units are read.

use serde::{Deserialize, Serialize};

use crate::Stores;

/// What is done with the digests that WARC records tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Digests {
    /// They are not looked at.
    Ignore,
    /// Wrong ones are counted.
    #[default]
    Count,
    /// Records whose digest is wrong are skipped.
    Drop,
}

/// How a unit is read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// The most bytes that a record or page may have where it lies, before decoding its body; longer
    /// ones are passed over.
    pub max_record: u64,
    /// The most bytes that a body may have once it is decoded; it is cut there.
    pub max_body: u64,
    /// What is done with digests.
    pub digests: Digests,
    /// Whether the pictures that lie beside saved pages are read, too.
    pub pictures: bool,
    /// Where files are opened.
    pub stores: Stores,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            max_record: 64 << 20,
            max_body: 64 << 20,
            digests: Digests::default(),
            pictures: true,
            stores: Stores::default(),
        }
    }
}
