//! Web pages to deduplicated, filtered, documented shards.
