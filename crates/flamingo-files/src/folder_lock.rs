//! The one writer of a folder.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::locked::{Locked, Mode};
use crate::{Error, Result};

/// Held by one that writes alone; shared by workers.
const LOCK: &str = ".lock";
/// Bytes of a lock that are read.
const MOST_READ: u64 = 4096;

/// Held by the process that writes a folder, or by each of the workers that share it. The system takes it back however
/// the process ends, so the lock of a dead process holds nobody off.
///
/// Files `.lock` and `.lock-I-of-N` in the folder tell who holds it; they go when their holder lets go.
#[derive(Debug)]
pub struct FolderLock {
    // In this order: a worker's own lock goes first.
    locks: Vec<Locked>,
    folder: PathBuf,
    /// Whether it was made for this lock.
    is_new: bool,
}

impl FolderLock {
    /// Holds the folder alone, made if it is not there; `command` is told to those who want it meanwhile.
    ///
    /// # Errors
    /// [`Error::Held`] if another process writes it; [`Error::Io`] if it cannot be written.
    pub fn alone(folder: &Path, command: &str) -> Result<Self> {
        let mut lock = Self::begin(folder)?;
        match claim(&folder.join(LOCK), Mode::Alone)? {
            Some(locked) => lock.hold(locked, command)?,
            None => return Err(held(folder, &folder.join(LOCK))),
        }
        Ok(lock)
    }

    /// Holds the part of worker `index` of `count`; the other workers of these `count` may hold theirs.
    ///
    /// # Errors
    /// [`Error::Held`] if another process is this worker, or writes the folder alone or as one of another number of
    /// workers; [`Error::Io`] if the folder cannot be written.
    pub fn worker(folder: &Path, index: u32, count: u32, command: &str) -> Result<Self> {
        let mut lock = Self::begin(folder)?;
        let Some(shared) = claim(&folder.join(LOCK), Mode::Shared)? else {
            return Err(held(folder, &folder.join(LOCK)));
        };
        // What one that wrote alone left when it was killed.
        let emptied = shared.file.set_len(0);
        emptied.map_err(Error::io("write", shared.path.display()))?;
        let own = folder.join(format!("{LOCK}-{index}-of-{count}"));
        match claim(&own, Mode::Alone)? {
            Some(locked) => lock.hold(locked, command)?,
            None => return Err(held(folder, &own)),
        }
        lock.locks.push(shared);
        let others = format!("-of-{count}");
        let odd = |path: &PathBuf| !path.to_string_lossy().ends_with(&others);
        match workers(folder)
            .into_iter()
            .filter(odd)
            .find(|path| Locked::is_held(path))
        {
            Some(other) => Err(held(folder, &other)),
            None => Ok(lock),
        }
    }

    fn begin(folder: &Path) -> Result<Self> {
        let is_new = !folder.exists();
        fs::create_dir_all(folder).map_err(Error::io("create", folder.display()))?;
        Ok(Self {
            locks: Vec::new(),
            folder: folder.to_path_buf(),
            is_new,
        })
    }

    fn hold(&mut self, mut locked: Locked, command: &str) -> Result<()> {
        let text = holder(command);
        let told = locked.file.set_len(0);
        let told = told.and_then(|()| locked.file.write_all(text.as_bytes()));
        let path = locked.path.clone();
        self.locks.push(locked);
        told.map_err(Error::io("write", path.display()))
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        for locked in self.locks.drain(..) {
            // The last one of those who share it takes the file away.
            if locked.file.try_lock().is_ok() {
                let _ = fs::remove_file(&locked.path);
            }
        }
        if self.is_new {
            // Only if nothing was written into it.
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

fn claim(path: &Path, mode: Mode) -> Result<Option<Locked>> {
    Locked::claim(path, mode).map_err(Error::io("write", path.display()))
}

/// The locks of workers that are there.
fn workers(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_worker = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix(LOCK)
            .is_some_and(|rest| rest.starts_with('-'))
    };
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(is_worker)
        .collect();
    found.sort();
    found
}

/// That another process holds `lock`; a lock that is shared is that of the workers.
fn held(folder: &Path, lock: &Path) -> Error {
    let mut told = read(lock).unwrap_or_default();
    if told.is_empty() {
        let worker = workers(folder)
            .into_iter()
            .find(|path| Locked::is_held(path));
        told = worker.and_then(|path| read(&path).ok()).unwrap_or_default();
    }
    let holder = match told.is_empty() {
        true => "another process".to_owned(),
        false => told,
    };
    let folder = folder.to_path_buf();
    Error::Held { folder, holder }
}

/// What a lock tells, as one line.
fn read(lock: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(lock)?
        .take(MOST_READ)
        .read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // What is shown on a terminal must not steer it.
    let letters = text.trim().chars();
    Ok(letters
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect())
}

/// `process 7 on box since 2026-01-01T00:00:00Z (flamingo train a.toml)`.
fn holder(command: &str) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => String::new(),
        host => format!(" on {host}"),
    };
    let since = humantime::format_rfc3339_seconds(SystemTime::now());
    format!(
        "process {}{host} since {since} ({command})\n",
        std::process::id()
    )
}
