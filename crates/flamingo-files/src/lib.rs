//! Outputs that are whole or not there, and folders that have one writer.
//!
//! - [`Draft`] is a file in the making. It lies beside its final name and takes it when it is complete. What is no
//!   regular file (a pipe, a device, standard output) is written in place: see [`Target`].
//! - [`FolderDraft`] is the same for a folder.
//! - [`FolderLock`] is held by the one process that writes a folder, or by the workers that share it.
//!
//! All other crates write their files through this one; a test of this crate looks through their sources.

mod descriptor;
mod draft;
mod error;
mod folder_draft;
mod folder_lock;
mod locked;
mod remains;
mod target;

pub use draft::{Draft, write};
pub use error::{Error, ReaderGone, Result, is_disk_full};
pub use folder_draft::FolderDraft;
pub use folder_lock::FolderLock;
pub use remains::{discard_unfinished, sweep};
pub use target::Target;
