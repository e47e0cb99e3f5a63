//! A file that one process holds. The system lets go of it however the process ends.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Whether others may hold it at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Alone,
    Shared,
}

/// A file that this process holds.
#[derive(Debug)]
pub(crate) struct Locked {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    /// Whether the file system knows locks: without, another process may hold it, too.
    pub(crate) is_sure: bool,
}

impl Locked {
    /// Holds the file at `path`, made if it is not there; `None` if another process holds it.
    pub(crate) fn claim(path: &Path, mode: Mode) -> io::Result<Option<Self>> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        Self::open(&options, path, mode)
    }

    /// As [`Locked::claim`], of a file that is there.
    pub(crate) fn existing(path: &Path, mode: Mode) -> io::Result<Option<Self>> {
        Self::open(File::options().read(true).write(true), path, mode)
    }

    fn open(options: &fs::OpenOptions, path: &Path, mode: Mode) -> io::Result<Option<Self>> {
        // Its file is another's, and never the one at this path.
        if path.is_symlink() {
            return Err(io::Error::other("it is a symbolic link: remove it"));
        }
        loop {
            let file = options.open(path)?;
            let locked = match mode {
                Mode::Alone => file.try_lock(),
                Mode::Shared => file.try_lock_shared(),
            };
            let is_sure = match locked {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => return Ok(None),
                // Some network file systems know no locks: there, nobody is held off.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    false
                }
                Err(TryLockError::Error(error)) => return Err(error),
            };
            // Between opening and locking, its holder may have renamed or removed it.
            if is_at(&file, path)? {
                let path = path.to_path_buf();
                return Ok(Some(Self {
                    file,
                    path,
                    is_sure,
                }));
            }
        }
    }

    /// Whether another process holds the file at `path`.
    pub(crate) fn is_held(path: &Path) -> bool {
        matches!(Self::existing(path, Mode::Alone), Ok(None))
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    let there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        there => identity(there?),
    };
    Ok(there == identity(file.metadata()?))
}

/// Elsewhere a file that is open can be neither renamed nor removed.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}
