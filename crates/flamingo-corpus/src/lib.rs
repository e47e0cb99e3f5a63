//! Web pages to deduplicated, filtered, documented shards.
//!
//! With the feature `build`, whole corpora are built; their tables are Parquet. Without it there is what judges pages one
//! by one ([`extract`]), the configuration, and the job files ([`plan`]).

#[cfg(feature = "build")]
pub mod build;
#[cfg(feature = "build")]
pub mod card;
pub mod config;
mod content;
pub mod counts;
pub mod deduplication;
#[cfg(feature = "build")]
mod draft;
mod error;
pub mod extract;
pub mod films;
pub mod filters;
#[cfg(feature = "build")]
pub mod folder;
#[cfg(feature = "build")]
pub mod funnel;
#[cfg(feature = "build")]
mod fuse;
#[cfg(feature = "build")]
pub mod histogram;
pub mod images;
pub mod launcher;
#[cfg(feature = "build")]
pub mod manifest;
pub mod measures;
mod output;
pub mod pairs;
mod permission;
pub mod plan;
#[cfg(feature = "build")]
pub mod progress;
mod reason;
#[cfg(feature = "build")]
pub mod signature;
mod stage;
#[cfg(feature = "build")]
pub mod stats;
#[cfg(feature = "build")]
pub mod summary;
#[cfg(feature = "build")]
pub mod tables;
pub mod towers;
pub mod worker;
#[cfg(feature = "build")]
pub mod write;

pub use config::Config;
pub use error::{Error, Result};
pub use output::{OutputConfig, OutputFormat};
pub use stage::Stage;
