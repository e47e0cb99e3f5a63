//! Web pages to deduplicated, filtered, documented shards.

pub mod filters;
pub mod measures;
mod reason;
