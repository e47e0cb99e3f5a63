//! Documents and their media from files, in a reproducible order.
//!
//! A [`Source`] is read from JSONL, WebDataset shards, Parquet in the schema of OBELICS (with the feature `parquet`), a
//! folder of HTML pages, folders of pictures or files of captions ([`Source::read`]); bad samples are counted, named and left out ([`Report`]). A [`MediaBase`]
//! finds the picture or film that a document's part names, and a [`Library`] loads each distinct
//! one once. [`Framing`] makes the paper's training sequences of documents, and [`Order`] says
//! which sample comes when: a pure function of a seed and a number, so that a run can go on at any
//! step without replaying what came before.

mod augment;
mod captions;
#[cfg(feature = "parquet")]
mod columns;
mod conversations;
mod error;
mod files;
mod folders;
mod format;
mod framing;
mod html;
mod library;
mod media;
mod members;
#[cfg(feature = "parquet")]
mod metadata_table;
#[cfg(not(feature = "parquet"))]
#[path = "metadata_table_absent.rs"]
mod metadata_table;
mod mmc4;
#[cfg(feature = "parquet")]
mod obelics;
#[cfg(not(feature = "parquet"))]
#[path = "obelics_absent.rs"]
mod obelics;
mod order;
mod packed;
#[cfg(feature = "parquet")]
mod pair_columns;
mod paths;
mod pieces;
mod recognise;
mod remote;
mod report;
mod sample;
mod shard;
mod source;
mod stream;
#[cfg(feature = "parquet")]
mod table;
#[cfg(not(feature = "parquet"))]
#[path = "table_absent.rs"]
mod table;
mod webdataset;

pub use augment::Augment;
pub use captions::CAPTION_FILES;
pub use error::{Error, Result};
pub use format::Format;
pub use framing::{Example, Framing};
pub use html::page_document;
pub use library::{Library, Opened};
pub use media::MediaBase;
pub use order::{Order, stream};
pub use paths::{is_pattern, is_there};
pub use remote::{StoreSettings, fetch, is_remote};
pub use report::Report;
pub use sample::Sample;
pub use shard::Shard;
pub use source::Source;
pub use stream::Stream;
pub use table::Table;
