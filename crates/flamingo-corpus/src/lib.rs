//! Web pages to deduplicated, filtered, documented shards.

pub mod films;
pub mod filters;
pub mod measures;
pub mod pairs;
mod reason;
pub mod towers;
