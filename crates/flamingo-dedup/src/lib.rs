//! What repeats across a whole corpus: SQL over Parquet, in the process or on a cluster.
//!
//! The statements are the files of `src/sql`, run in the order of `join.rs` by DataFusion: sorts and
//! sort-merge joins, which go to disk when the memory of
//! [`Deduplication::memory_limit`](flamingo_corpus::deduplication::Deduplication) does not hold them. On a Ballista
//! cluster the same statements run on all executors; the tables come out with the same bytes.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! use flamingo_corpus::{build::Global, deduplication::Deduplication, folder::Folder};
//! use flamingo_dedup::Deduplicator;
//!
//! let folder = Folder::open("corpus", 0)?;
//! let counts = Deduplicator::local().join(&folder, &Deduplication::default())?;
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "cluster")]
pub mod cluster;
mod error;
mod join;
pub mod jsonl;
mod lines;
mod memory;
mod session;
mod statements;

pub use error::{Error, Result};
pub use join::Deduplicator;
