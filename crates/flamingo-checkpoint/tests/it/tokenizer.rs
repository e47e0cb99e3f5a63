//! Directories against what `transformers` makes of them, and directories that are broken.

mod directories;
mod fixtures;
mod hostile;

use std::path::{Path, PathBuf};

/// A folder under `tests/fixtures/tokenizer`.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/tokenizer")
        .join(name)
}

/// A folder with the given files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// A copy of a fixture with other or further files.
fn changed(name: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let copy = folder(&[]);
    for entry in std::fs::read_dir(fixture(name)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    for (name, text) in files {
        std::fs::write(copy.path().join(name), text).unwrap();
    }
    copy
}
