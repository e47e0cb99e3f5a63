//! A corpus from its configuration: four stages, each of which can be stopped and taken up again.

use std::collections::BTreeMap;

use crate::deduplication::Deduplication;
use crate::folder::Folder;

/// Counts by name, in the order of names.
pub type Counts = BTreeMap<String, u64>;

/// The step that looks at all units at once: what repeats, and where each picture is.
pub trait Global: Sync {
    /// Reads `read/*/{pages,images}.parquet` and writes `global/{documents,paragraphs,images}.parquet`,
    /// each under a temporary name and renamed ([`Folder::create`]), rows in the order that their type says.
    ///
    /// The tables must not depend on the number of threads or machines. Returns what was found, for the manifest
    /// (`near_duplicate`, `repeated_paragraphs`, ...).
    ///
    /// # Errors
    ///
    /// When a table cannot be read or written.
    fn join(
        &self,
        folder: &Folder,
        config: &Deduplication,
    ) -> Result<Counts, Box<dyn std::error::Error + Send + Sync>>;
}
