//! A file of a corpus in the making.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::fuse::Fuse;

/// A file of a corpus in the making: it has its name once it is committed, so it is whole or not there.
#[derive(Debug)]
pub struct Draft {
    draft: flamingo_files::Draft,
    path: PathBuf,
    fuse: Fuse,
}

impl Draft {
    /// Begins the file at a path whose folder is there; workers may make files of one name.
    pub(crate) fn at(path: PathBuf, worker: u32, fuse: Fuse) -> Result<Self> {
        let draft = flamingo_files::Draft::numbered(&path, worker)?;
        Ok(Self { draft, path, fuse })
    }

    /// Where it will lie, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name; from now on it is there.
    ///
    /// # Errors
    ///
    /// When it cannot be written to the end or renamed.
    pub fn commit(self) -> Result<()> {
        self.fuse.step(&self.path)?;
        Ok(self.draft.commit()?)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.draft.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft.flush()
    }
}
