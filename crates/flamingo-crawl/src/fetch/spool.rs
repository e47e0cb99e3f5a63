//! Records in the order in which they arrive, on disk, until they are put together in the order of
//! the list: what is held in memory does not grow with what waits for a slow host.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use flamingo_files::{Draft, Target};

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
    /// An empty one, on the disk of `output` if that is a file.
    pub(super) fn beside(output: &Target) -> io::Result<Self> {
        let file = match output {
            Target::File(path) => tempfile::tempfile_in(path.parent().unwrap_or(Path::new(".")))?,
            Target::Descriptor(_) | Target::Stream(_) => tempfile::tempfile()?,
        };
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

    /// Writes `first` and then `members` in their order to `file`.
    pub(super) fn assemble<'a>(
        self,
        file: &mut Draft,
        first: &[u8],
        members: impl IntoIterator<Item = &'a Member>,
    ) -> io::Result<()> {
        let (mut spool, _) = self
            .file
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        file.write_all(first)?;
        for member in members {
            spool.seek(SeekFrom::Start(member.offset))?;
            let copied = io::copy(&mut Read::by_ref(&mut spool).take(member.length), file)?;
            if copied < member.length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn records_are_put_together_in_the_order_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let spool = Spool::beside(&Target::of(&path).unwrap()).unwrap();
        let [a, b, c] = [b"aa".as_slice(), b"b", b"ccc"].map(|bytes| spool.add(bytes).unwrap());
        let mut file = Draft::create(&path).unwrap();
        let members = [&c, &a, &b, &a];
        spool.assemble(&mut file, b"first ", members).unwrap();
        file.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"first cccaabaa");
    }
}
