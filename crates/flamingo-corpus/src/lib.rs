//! Web pages to deduplicated, filtered, documented shards.

pub mod build;
pub mod deduplication;
mod error;
pub mod folder;
pub mod signature;
pub mod tables;

pub use error::{Error, Result};
