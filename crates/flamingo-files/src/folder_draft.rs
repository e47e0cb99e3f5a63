//! A folder in the making.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::draft::sync_folder;
use crate::target::folder_of;
use crate::{Error, Result};

/// A folder in the making: it lies beside its final name until it is committed, so it is whole or not there. Dropped
/// without that, nothing of it stays.
///
/// Its maker sees to it that nobody else makes the same folder at the same time.
#[derive(Debug)]
pub struct FolderDraft {
    partial: PathBuf,
    target: PathBuf,
}

impl FolderDraft {
    /// Begins the folder at `target`, without what an earlier process may have left of it.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(target: &Path) -> Result<Self> {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".partial");
        let partial = folder_of(target).join(name);
        remove(&partial)?;
        fs::create_dir_all(&partial).map_err(Error::io("create", partial.display()))?;
        let target = target.to_path_buf();
        Ok(Self { partial, target })
    }

    /// Where the file with this name lies until the folder is committed: for those who write files by themselves.
    pub fn path(&self, name: &str) -> PathBuf {
        self.partial.join(name)
    }

    /// A new file of the folder, the folders in its name made.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn file(&self, name: &str) -> Result<File> {
        let path = self.path(name);
        let made = fs::create_dir_all(folder_of(&path)).and_then(|()| File::create(&path));
        made.map_err(Error::io("write", path.display()))
    }

    /// Writes a file of the folder, the folders in its name made.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(name);
        let written = self.file(name)?.write_all(bytes);
        written.map_err(Error::io("write", path.display()))
    }

    /// Gives the folder its name, in the place of one that has it. Files in it that must last are brought to the disk
    /// by whoever writes them.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn commit(self) -> Result<()> {
        remove(&self.target)?;
        sync_folder(&self.partial);
        fs::rename(&self.partial, &self.target)
            .map_err(Error::io("write", self.target.display()))?;
        sync_folder(folder_of(&self.target));
        Ok(())
    }
}

impl Drop for FolderDraft {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.partial);
    }
}

/// Removes a folder if it is there.
fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", folder.display())(error))
        }
        _ => Ok(()),
    }
}
