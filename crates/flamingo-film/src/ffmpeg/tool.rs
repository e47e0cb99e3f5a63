//! The programs, and what they are given to read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::container::Container;
use crate::error::{Error, Result};

/// Where FFmpeg is, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    /// The program `ffmpeg`.
    pub ffmpeg: PathBuf,
    /// The program `ffprobe`.
    pub ffprobe: PathBuf,
    /// It is ended if nothing comes of it for so long.
    pub patience: Duration,
    /// It is ended when this is set.
    pub stop: Option<Arc<AtomicBool>>,
}

impl Ffmpeg {
    /// These programs, which are waited for as long as a minute.
    pub fn new(ffmpeg: PathBuf, ffprobe: PathBuf) -> Self {
        Self {
            ffmpeg,
            ffprobe,
            patience: Duration::from_secs(60),
            stop: None,
        }
    }

    /// The version that it says it is.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] if it cannot be run.
    pub fn version(&self) -> Result<String> {
        let output = Command::new(&self.ffmpeg).arg("-version").output();
        let output = output.map_err(|source| Error::Process {
            name: "its version".to_owned(),
            program: self.ffmpeg.display().to_string(),
            source,
        })?;
        let said = String::from_utf8_lossy(&output.stdout);
        let version = said.split_whitespace().nth(2);
        Ok(version.unwrap_or("of an unknown version").to_owned())
    }

    /// The programs in the first of these folders that has both.
    pub fn find(folders: impl IntoIterator<Item = PathBuf>) -> Option<Self> {
        let program = |folder: &Path, name: &str| {
            let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            path.is_file().then_some(path)
        };
        folders.into_iter().find_map(|folder| {
            let both = (program(&folder, "ffmpeg")?, program(&folder, "ffprobe")?);
            Some(Self::new(both.0, both.1))
        })
    }
}

/// A film file that FFmpeg is to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) path: &'a Path,
    /// What stands for it in errors.
    pub(crate) name: &'a str,
    pub(crate) container: Container,
}

impl Input<'_> {
    /// Says what the file is: its kind is not guessed, and nothing else can be opened through it.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut file = OsString::from("file:");
        file.push(self.path);
        let known = [
            "-protocol_whitelist",
            "file",
            "-f",
            self.container.demuxer(),
            "-i",
        ];
        known
            .into_iter()
            .map(OsString::from)
            .chain([file])
            .collect()
    }
}
