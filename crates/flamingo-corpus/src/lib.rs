//! Web pages to deduplicated, filtered, documented shards.

pub mod build;
pub mod card;
pub mod config;
pub mod deduplication;
mod error;
pub mod extract;
pub mod films;
pub mod filters;
pub mod folder;
pub mod funnel;
pub mod histogram;
pub mod images;
pub mod manifest;
pub mod measures;
pub mod pairs;
mod permission;
pub mod plan;
pub mod progress;
mod reason;
pub mod signature;
pub mod stats;
pub mod summary;
pub mod tables;
pub mod towers;
pub mod worker;
pub mod write;

pub use config::Config;
pub use error::{Error, Result};
