//! The step that looks at all units at once, as whoever implements it sees it.

use crate::deduplication::Deduplication;
use crate::error::Result;
use crate::folder::Folder;
use crate::funnel::Counts;

/// The step that looks at all units at once: what repeats, and where each picture is.
pub trait Global: Sync {
    /// Reads `read/*/{pages,images}.parquet` and writes `global/{documents,paragraphs,images,texts}.parquet`,
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
