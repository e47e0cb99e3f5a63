//! Finished documents to files: training shards, Parquet in the OBELICS schema, JSONL, pairs.
//!
//! A [`Writer`] takes [`Record`]s one by one and holds one at a time. A file has its name only once
//! it is whole; the same records give the same bytes.

mod file;
mod jsonl;
mod parquet;
mod record;
mod shards;
#[cfg(test)]
mod tests;
mod writer;

pub use crate::output::{OutputConfig, OutputFormat};
pub use file::Finished;
pub use record::{Medium, Outcome, Record};
pub use writer::Writer;

use crate::Result;
use crate::folder::Folder;

/// A writer of the files `STEM-000.tar` (or `.parquet`, `.jsonl`), `STEM-001.tar`, ...; the stem is
/// a name within the folder, as `shards/00000`.
///
/// Files of that stem which an earlier attempt left are taken away: the stem is written as a whole.
///
/// # Errors
/// [`Error::File`](crate::Error::File) if the folder cannot be written.
pub fn writer(
    folder: &Folder,
    stem: &str,
    config: &OutputConfig,
) -> Result<Box<dyn Writer + Send>> {
    let files = file::Series::new(folder, stem, config.format, config.shard_bytes)?;
    Ok(match config.format {
        OutputFormat::Shards => Box::new(shards::Shards::documents(files)),
        OutputFormat::Pairs => Box::new(shards::Shards::pairs(files)),
        OutputFormat::Parquet => Box::new(parquet::Parquet::new(files, config.embed_images)),
        OutputFormat::Jsonl => Box::new(jsonl::Jsonl::new(files, config.embed_images)),
    })
}
