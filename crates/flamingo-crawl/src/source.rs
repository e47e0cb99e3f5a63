//! What items come from, whatever the format.

use crate::{Counts, Item, Result};

/// Where items come from: a WARC, pages, lines.
pub(crate) trait Source: Send {
    /// The next item. What is odd about it is counted; items themselves are counted by the caller.
    fn next(&mut self, counts: &mut Counts) -> Result<Option<Item>>;

    /// How many bytes of the unit's files have been taken.
    fn bytes_read(&self) -> u64;
}
