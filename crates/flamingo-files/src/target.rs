//! What the name of an output stands for.

use std::fs::{self, File, FileType};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::descriptor::{self, STDOUT};
use crate::{Error, Result};

/// Links that are followed before they are taken for a circle.
const MOST_LINKS: usize = 40;

/// What the name of an output stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A regular file, or none yet. Links were followed: this is where it lies.
    File(PathBuf),
    /// A descriptor of this process; 1 is standard output.
    Descriptor(u32),
    /// A pipe or a device, which is written in place.
    Stream(PathBuf),
}

impl Target {
    /// What `path` stands for; `-` is standard output, as `/dev/stdout` is.
    ///
    /// # Errors
    /// If its folder is not there, or it is a folder, a socket or a disk.
    pub fn of(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Descriptor(STDOUT));
        }
        let no_file = |what| Error::NoFile {
            place: path.display().to_string(),
            what,
        };
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(no_file("a folder"));
        }
        let failed = |error| Error::io("write", path.display())(error);
        let mut at = path.to_path_buf();
        for _ in 0..MOST_LINKS {
            let name = at.file_name().ok_or_else(|| no_file("a folder"))?;
            let folder = fs::canonicalize(folder_of(&at)).map_err(failed)?;
            if let Some(number) = descriptor::number(&folder, name) {
                return Ok(Self::Descriptor(number));
            }
            let place = folder.join(name);
            let kind = match fs::symlink_metadata(&place) {
                Ok(found) => found.file_type(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Self::File(place));
                }
                Err(error) => return Err(failed(error)),
            };
            if !kind.is_symlink() {
                return Self::of_kind(kind, place).map_err(no_file);
            }
            at = folder.join(fs::read_link(&place).map_err(failed)?);
        }
        Err(no_file("a circle of links"))
    }

    fn of_kind(kind: FileType, place: PathBuf) -> Result<Self, &'static str> {
        if kind.is_file() {
            return Ok(Self::File(place));
        }
        if kind.is_dir() {
            return Err("a folder");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;
            if kind.is_socket() {
                return Err("a socket");
            }
            if kind.is_block_device() {
                return Err("a disk");
            }
        }
        Ok(Self::Stream(place))
    }

    /// Whether it is written whole or not at all; what is not is written in place.
    pub fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Whether it is standard output.
    pub fn is_stdout(&self) -> bool {
        *self == Self::Descriptor(STDOUT)
    }

    /// Opens what is written in place.
    pub(crate) fn open_in_place(&self) -> io::Result<File> {
        let mut file = match self {
            Self::Descriptor(number) => descriptor::open(*number)?,
            Self::File(path) | Self::Stream(path) => File::options().write(true).open(path)?,
        };
        // Tells whether it is open for writing at all.
        let none = file.write(&[])?;
        debug_assert_eq!(none, 0);
        Ok(file)
    }

    /// What messages call it; `given` is how it was named.
    pub(crate) fn name(&self, given: &Path) -> String {
        match self {
            Self::Descriptor(number) => descriptor::name(*number),
            Self::File(_) | Self::Stream(_) => given.display().to_string(),
        }
    }
}

/// The folder that a path lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
