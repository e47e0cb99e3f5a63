//! Web pages to deduplicated, filtered, documented shards.

#![warn(missing_docs)]

mod error;

pub mod images;
pub mod write;

pub use error::{Error, Result};
