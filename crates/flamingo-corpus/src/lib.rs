//! Web pages to deduplicated, filtered, documented shards.

pub mod build;
pub mod deduplication;
mod error;
pub mod folder;
pub mod images;
pub mod tables;
pub mod write;

pub use error::{Error, Result};
