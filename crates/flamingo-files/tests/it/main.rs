//! Files, folders and their locks, as several processes or handles see them.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod drafts;
mod folders;
mod sources;
#[cfg(target_os = "linux")]
mod targets;

use std::path::Path;

/// The names of what lies in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
