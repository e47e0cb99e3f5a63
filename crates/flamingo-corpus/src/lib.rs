//! Web pages to deduplicated, filtered, documented shards.

pub mod deduplication;
pub mod signature;
