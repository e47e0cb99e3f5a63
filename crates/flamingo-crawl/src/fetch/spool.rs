//! Records in the order in which they arrive, on disk, until they are put together in the order of
//! the list: what is held in memory does not grow with what waits for a slow host.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Where a compressed record lies in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    offset: u64,
    length: u64,
}

/// A file without a name, which the system removes however the process ends.
#[derive(Debug)]
pub(super) struct Spool {
    file: Mutex<(File, u64)>,
}

impl Spool {
    /// An empty one on the disk of `folder`.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(folder)?;
        Ok(Self {
            file: Mutex::new((file, 0)),
        })
    }

    /// Adds a record.
    pub(super) fn add(&self, bytes: &[u8]) -> io::Result<Member> {
        let mut spool = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, end) = &mut *spool;
        file.seek(SeekFrom::Start(*end))?;
        file.write_all(bytes)?;
        let member = Member {
            offset: *end,
            length: bytes.len() as u64,
        };
        *end += member.length;
        Ok(member)
    }

    /// Writes `first` and then `members` in their order to `path`, which is there whole or not at all.
    pub(super) fn assemble<'a>(
        self,
        path: &Path,
        first: &[u8],
        members: impl IntoIterator<Item = &'a Member>,
    ) -> io::Result<()> {
        let (mut spool, _) = self
            .file
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let partial = partial_name(path);
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&partial)?);
        file.write_all(first)?;
        for member in members {
            spool.seek(SeekFrom::Start(member.offset))?;
            let copied = io::copy(&mut Read::by_ref(&mut spool).take(member.length), &mut file)?;
            if copied < member.length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        file.into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()?;
        fs::rename(&partial, path)
    }
}

/// Beside `path`, and always the same, so that what a kill leaves behind is written over.
fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn records_are_put_together_in_the_order_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let spool = Spool::new(folder.path()).unwrap();
        let [a, b, c] = [b"aa".as_slice(), b"b", b"ccc"].map(|bytes| spool.add(bytes).unwrap());
        fs::write(partial_name(&path), "left behind by a kill, and longer").unwrap();
        spool.assemble(&path, b"first ", [&c, &a, &b, &a]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first cccaabaa");
        let names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["out"]);
    }
}
