//! Files that appear under their name only when all of them is on disk.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::{Error, Result};

/// Writes a file under its final name only when all of it is on disk.
///
/// # Errors
/// If it cannot be written; no part of it stays behind, and a file of that name stays as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| {
        file.write_all(bytes).map_err(Error::io("write", path))
    })
}

/// As [`write_atomically`], of what `write` puts into the file.
pub(super) fn write_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>,
) -> Result<()> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let file = temporary(folder).map_err(Error::io("create", path))?;
    let mut buffered = BufWriter::with_capacity(1 << 18, file.as_file());
    write(&mut buffered)?;
    buffered.flush().map_err(Error::io("write", path))?;
    drop(buffered);
    file.as_file()
        .sync_all()
        .map_err(Error::io("write", path))?;
    file.persist(path)
        .map_err(|e| e.error)
        .map_err(Error::io("write", path))?;
    // The new name is lasting once the folder is on disk; not every file system can say so.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.json");
        write_atomically(&path, b"old").expect("written");
        let failed = write_with(&path, |file| {
            file.write_all(b"half").expect("written");
            Err(Error::malformed(&path, "a test"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).expect("read"), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_that_names_the_file() {
        let error = write_atomically(Path::new("/nowhere/a.json"), b"x").expect_err("no folder");
        assert!(error.to_string().contains("/nowhere/a.json"), "{error}");
    }
}
