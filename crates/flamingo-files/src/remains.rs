//! Temporary names, and what is left under them by a process that was stopped.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::locked::{Locked, Mode};
use crate::{Error, Result};

/// Bytes of a name that stay in its temporary name, which must not become too long for the file system.
const LONGEST: usize = 200;

/// The file in which the `number`-th process makes what will lie at `target`.
pub(crate) fn temporary_name(target: &Path, number: u32) -> PathBuf {
    let name = target.file_name().unwrap_or_default();
    let mut temporary = OsString::from(".");
    if name.len() <= LONGEST {
        temporary.push(name);
    } else {
        let name = name.to_string_lossy();
        temporary.push(&name[..name.floor_char_boundary(LONGEST)]);
    }
    temporary.push(format!(".part{number}"));
    target.with_file_name(temporary)
}

/// Whether a file is named as [`temporary_name`] names it.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = name
        .strip_prefix('.')
        .and_then(|name| name.rsplit_once(".part"));
    number.is_some_and(|(_, number)| number.parse::<u32>().is_ok())
}

/// Removes what processes that are gone left in a folder and all folders in it. Returns how many files that were.
///
/// # Errors
/// If a folder cannot be listed, or a file in it not be opened or removed.
pub fn sweep(folder: &Path) -> Result<usize> {
    let mut swept = 0;
    for entry in fs::read_dir(folder).map_err(Error::io("list", folder.display()))? {
        let entry = entry.map_err(Error::io("list", folder.display()))?;
        let path = entry.path();
        let kind = entry
            .file_type()
            .map_err(Error::io("list", path.display()))?;
        if kind.is_dir() {
            swept += sweep(&path)?;
        } else if kind.is_file() && is_temporary(&path) {
            swept +=
                usize::from(remove_if_dead(&path).map_err(Error::io("remove", path.display()))?);
        }
    }
    Ok(swept)
}

/// Removes a temporary file that no process holds; whether it did.
pub(crate) fn remove_if_dead(path: &Path) -> io::Result<bool> {
    let removed = Locked::existing(path, Mode::Alone).and_then(|locked| match locked {
        Some(locked) if locked.is_sure => fs::remove_file(&locked.path).map(|()| true),
        _ => Ok(false),
    });
    match removed {
        // Its process has just finished it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        removed => removed,
    }
}

/// The temporary files of this process.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Those of this process, also after a panic elsewhere.
pub(crate) fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files of this process: for a program that is about to end itself in the middle of its work.
/// From here on, none of them gets its final name.
pub fn discard_unfinished() {
    for path in std::mem::take(&mut *unfinished()) {
        // It may just have got its name.
        let _ = fs::remove_file(path);
    }
}
