//! A file in the making.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::locked::{Locked, Mode};
use crate::remains::{remove_if_dead, temporary_name, unfinished};
use crate::target::folder_of;
use crate::{Error, ReaderGone, Result, Target};

/// Bytes that are written together.
const BUFFER: usize = 1 << 18;

/// A file in the making: it lies beside its final name until it is committed, so a file is whole or not there. Dropped
/// without that, nothing of it stays, and a file of its name stays as it was.
///
/// What is no regular file is written in place: standard output, a pipe, a device. See [`Target`].
#[derive(Debug)]
pub struct Draft {
    /// What messages call it.
    name: String,
    file: BufWriter<File>,
    /// None if it is written in place.
    temporary: Option<Temporary>,
}

#[derive(Debug)]
struct Temporary {
    path: PathBuf,
    target: PathBuf,
}

/// Writes a file whole or not at all.
///
/// # Errors
/// If it cannot be written; no part of it stays behind, and a file of that name stays as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut draft = Draft::create(path)?;
    draft.add(bytes)?;
    draft.commit()
}

impl Draft {
    /// Begins the file that `path` names; `-` is standard output. Links are followed: the file that a link leads to is
    /// replaced, the link stays.
    ///
    /// # Errors
    /// If it cannot be written: its folder is not there or read-only, it is a folder itself, or may not be changed.
    pub fn create(path: &Path) -> Result<Self> {
        Self::numbered(path, 0)
    }

    /// As [`Draft::create`]; processes that may make the same file at the same time have different numbers, which
    /// matters on file systems without locks.
    ///
    /// # Errors
    /// As [`Draft::create`].
    pub fn numbered(path: &Path, number: u32) -> Result<Self> {
        let target = Target::of(path)?;
        let name = target.name(path);
        let (file, temporary) = match target {
            Target::File(target) => {
                check_replaceable(&target).map_err(Error::io("write", &name))?;
                let (file, path) = temporary(&target, number).map_err(Error::io("write", &name))?;
                (file, Some(Temporary { path, target }))
            }
            in_place => {
                let file = in_place.open_in_place();
                (file.map_err(Error::io("write to", &name))?, None)
            }
        };
        Ok(Self {
            name,
            file: BufWriter::with_capacity(BUFFER, file),
            temporary,
        })
    }

    /// What messages call it: the path as it was given, or `standard output`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes bytes, with an error that names the file.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.write_all(bytes);
        written.map_err(|error| self.failed(error))
    }

    /// An error of writing this file.
    pub fn failed(&self, source: io::Error) -> Error {
        let action = match self.temporary {
            Some(_) => "write",
            None => "write to",
        };
        Error::io(action, &self.name)(source)
    }

    /// What is written so far, to be read from its beginning; `None` if it is written in place.
    ///
    /// # Errors
    /// If it cannot be written, or not be opened.
    pub fn read_back(&mut self) -> Result<Option<File>> {
        let flushed = self.flush();
        flushed.map_err(|error| self.failed(error))?;
        let opened = self.temporary.as_ref().map(|own| File::open(&own.path));
        opened.transpose().map_err(Error::io("read", &self.name))
    }

    /// Gives the file its name, once all of it is on the disk.
    ///
    /// # Errors
    /// If it cannot be written to the end, or not be renamed; nothing of it stays behind.
    pub fn commit(mut self) -> Result<()> {
        let committed = self.flush().and_then(|()| match self.temporary.take() {
            Some(own) => {
                let named = self.file.get_ref().sync_all().and_then(|()| own.rename());
                self.temporary = named.is_err().then_some(own);
                named
            }
            None => Ok(()),
        });
        committed.map_err(|error| self.failed(error))
    }
}

impl Temporary {
    fn rename(&self) -> io::Result<()> {
        let mut unfinished = unfinished();
        fs::rename(&self.path, &self.target)?;
        unfinished.remove(&self.path);
        drop(unfinished);
        sync_folder(folder_of(&self.target));
        Ok(())
    }
}

/// A new name is lasting once its folder is on the disk; not every file system can say so.
pub(crate) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(own) = self.temporary.take() {
            unfinished().remove(&own.path);
            let _ = fs::remove_file(&own.path);
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.told(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.file.flush();
        self.told(flushed)
    }
}

impl Seek for Draft {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Draft {
    /// A pipe that nobody reads any more is told apart from other errors.
    fn told<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => io::Error::new(error.kind(), ReaderGone),
            _ => error,
        })
    }
}

/// A file that may not be changed is not replaced, either.
fn check_replaceable(target: &Path) -> io::Result<()> {
    match File::options().write(true).open(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        opened => opened.map(drop),
    }
}

/// An empty file beside `target` that this process holds. What processes that are gone left there is removed.
fn temporary(target: &Path, first: u32) -> io::Result<(File, PathBuf)> {
    let mut own: Option<Locked> = None;
    for number in first.. {
        let path = temporary_name(target, number);
        if own.is_some() {
            match path.symlink_metadata() {
                Ok(_) => drop(remove_if_dead(&path)?),
                Err(_) => break,
            }
        } else if !unfinished().contains(&path) {
            own = Locked::claim(&path, Mode::Alone)?;
        }
    }
    let Some(Locked { file, path, .. }) = own else {
        return Err(io::Error::other("all its temporary names are taken"));
    };
    let prepared = file.set_len(0).and_then(|()| match fs::metadata(target) {
        // A file that is replaced keeps its permissions.
        Ok(before) => file.set_permissions(before.permissions()),
        Err(_) => Ok(()),
    });
    if let Err(error) = prepared {
        let _ = fs::remove_file(&path);
        return Err(error);
    }
    unfinished().insert(path.clone());
    Ok((file, path))
}
