//! The files of a source.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result, paths};

/// The files that a path names, each itself, or all files with such an ending below a folder, sorted.
pub(crate) fn files(path: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let all = paths::named(path)?.into_iter();
    let all = all.map(|path| below(&path, endings));
    Ok(all.collect::<Result<Vec<_>>>()?.concat())
}

/// The file itself, or all files with such an ending below the folder, sorted.
fn below(path: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    if !fs::metadata(path).map_err(Error::read(path))?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::read(&folder))? {
            let entry = entry.map_err(Error::read(&folder))?;
            let (path, kind) = (
                entry.path(),
                entry.file_type().map_err(Error::read(&folder))?,
            );
            if kind.is_dir() {
                folders.push(path);
            } else {
                let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
                let hidden = name.starts_with('.');
                if !hidden && endings.iter().any(|ending| name.ends_with(ending)) {
                    files.push(path);
                }
            }
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Error::Nothing {
            path: path.to_path_buf(),
            problem: format!(
                "the folder holds no {} file; check the path and the format",
                endings[0]
            ),
        });
    }
    Ok(files)
}
