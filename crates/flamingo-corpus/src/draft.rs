//! A file in the making: it has its name once it is whole, so a file is whole or not there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::fuse::Fuse;

/// A file in the making.
#[derive(Debug)]
pub struct Draft {
    /// Where it lies until it is committed.
    path: PathBuf,
    /// Where it will lie.
    target: PathBuf,
    file: BufWriter<File>,
    fuse: Fuse,
}

impl Draft {
    /// Begins the file at `path`, its folder made; `writer` tells apart those who make a file of one name.
    ///
    /// # Errors
    ///
    /// When its folder or the file cannot be made.
    pub fn create(path: &Path, writer: u32) -> Result<Self> {
        let path = std::path::absolute(path).map_err(Error::file(path))?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        Self::at(path, writer, Fuse::default())
    }

    /// Begins the file at a path whose folder is there.
    pub(crate) fn at(target: PathBuf, writer: u32, fuse: Fuse) -> Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!(".{name}.part{writer}"));
        let file = File::create(&path).map_err(Error::file(&path))?;
        Ok(Self {
            path,
            target,
            file: BufWriter::with_capacity(1 << 16, file),
            fuse,
        })
    }

    /// Where it lies until it is committed, for those who write files by path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name; from now on it is there.
    ///
    /// # Errors
    ///
    /// When it cannot be written to the end or renamed.
    pub fn commit(mut self) -> Result<()> {
        self.file.flush().map_err(Error::file(&self.path))?;
        self.file
            .get_ref()
            .sync_data()
            .map_err(Error::file(&self.path))?;
        self.fuse.step(&self.target)?;
        fs::rename(&self.path, &self.target).map_err(Error::file(&self.target))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
