//! Web pages to deduplicated, filtered, documented shards.

pub mod build;
pub mod deduplication;
mod error;
pub mod filters;
pub mod folder;
pub mod images;
pub mod measures;
mod reason;
pub mod signature;
pub mod tables;
pub mod write;

pub use error::{Error, Result};
