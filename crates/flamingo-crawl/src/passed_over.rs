//! What lies in a folder and is not read, counted by why.

use crate::source::Source;
use crate::{Counts, Item, Result};

/// Files that give no items, only their numbers.
pub(crate) struct PassedOver(Option<Counts>);

impl PassedOver {
    pub(crate) fn new(files: &Counts) -> Self {
        Self(Some(files.clone()))
    }
}

impl Source for PassedOver {
    fn next(&mut self, counts: &mut Counts) -> Result<Option<Item>> {
        if let Some(files) = self.0.take() {
            counts.merge(&files);
        }
        Ok(None)
    }

    fn bytes_read(&self) -> u64 {
        0
    }
}
