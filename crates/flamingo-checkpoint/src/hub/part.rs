//! A file that grows beside its final name and takes it only when complete and checked.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::cache::create_parent;
use super::error::{HubError, Result};

const BUFFER: usize = 1 << 17;

/// The bytes of a file that have arrived so far.
pub(crate) struct Part {
    path: PathBuf,
    file: File,
    len: u64,
    hasher: Sha256,
}

impl Part {
    /// Goes on with what an earlier run left at this path.
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        create_parent(&path)?;
        let file = File::options()
            .read(true)
            .append(true)
            .create(true)
            .open(&path);
        let file = file.map_err(HubError::io("create", &path))?;
        let mut part = Self {
            path,
            file,
            len: 0,
            hasher: Sha256::new(),
        };
        part.read_existing()
            .map_err(HubError::io("read", &part.path))?;
        Ok(part)
    }

    fn read_existing(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let n = self.file.read(&mut buffer)?;
            if n == 0 {
                return Ok(());
            }
            self.hasher.update(&buffer[..n]);
            self.len += n as u64;
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Forgets all that has arrived.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.file
            .set_len(0)
            .map_err(HubError::io("write", &self.path))?;
        self.hasher = Sha256::new();
        self.len = 0;
        Ok(())
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(HubError::io("write", &self.path))?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// The SHA-256 of what has arrived, in hexadecimal digits.
    pub(crate) fn sha256(&self) -> String {
        let digest = self.hasher.clone().finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Deletes what has arrived, as it is not what was announced.
    pub(crate) fn discard(self) -> Result<()> {
        fs::remove_file(&self.path).map_err(HubError::io("delete", &self.path))
    }

    /// Gives the file its final name once its bytes are on the disk.
    pub(crate) fn finish(self, path: &Path) -> Result<()> {
        self.file
            .sync_all()
            .map_err(HubError::io("write", &self.path))?;
        fs::rename(&self.path, path).map_err(HubError::io("write", path))
    }
}
