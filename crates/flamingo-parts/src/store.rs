//! The cache: a folder of files that are named by their hashes.

use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use flamingo_files::{Draft, FolderLock};

use crate::{ContentHash, Error, Part, Progress, Result};

/// Between two looks at a lock that another process holds.
const PAUSE: Duration = Duration::from_millis(200);

/// A folder in which each file's name is the SHA-256 of its content.
///
/// Beside a file lies a note of the size and the time that it had when it was last hashed: as long as both stand, it is
/// not hashed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The cache in this folder, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { folder }
    }

    /// The cache that these variables describe: `parts` in `FLAMINGO_CACHE`, else in `flamingo` of `XDG_CACHE_HOME` or of
    /// `.cache` in the home directory. Empty variables count as absent.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Self {
        let folder = |name: &str| get(name).filter(|text| !text.is_empty()).map(PathBuf::from);
        let below_home = || {
            let home = folder("HOME").or_else(|| folder("USERPROFILE"));
            home.unwrap_or_default().join(".cache")
        };
        let own = folder("FLAMINGO_CACHE").unwrap_or_else(|| {
            let caches = folder("XDG_CACHE_HOME").unwrap_or_else(below_home);
            caches.join("flamingo")
        });
        Self::new(own.join("parts"))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A part's file, once it is known to be what the hash says.
    ///
    /// # Errors
    /// [`Error::Missing`] if it is not here; [`Error::Changed`] if it is not what its name says.
    pub fn find(&self, part: &Part) -> Result<PathBuf> {
        let path = self.path(part);
        let metadata = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Missing {
                    file: part.file.clone(),
                    sha256: part.sha256.clone(),
                    folder: self.folder.clone(),
                });
            }
            metadata => metadata.map_err(Error::io("read", &path))?,
        };
        let stamp = stamp(&metadata);
        if stamp.is_some() && fs::read_to_string(self.note(part)).ok() == stamp {
            return Ok(path);
        }
        let found = ContentHash::of_file(&path).map_err(Error::io("read", &path))?;
        if found != part.sha256 {
            return Err(Error::Changed { path, found });
        }
        self.write_note(part, stamp);
        Ok(path)
    }

    /// Copies what a reader gives, if it is the part; else its hash, and nothing is kept.
    pub(crate) fn take(
        &self,
        part: &Part,
        place: &str,
        reader: &mut dyn Read,
        progress: &mut dyn Progress,
    ) -> Result<Result<(), ContentHash>> {
        fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        let path = self.path(part);
        let mut draft = Draft::create(&path)?;
        let mut left = part.bytes;
        progress.start(&part.file, part.bytes);
        let found = ContentHash::of(reader, |bytes| {
            // What is longer is not the part: it is hashed, but not kept.
            let kept = &bytes[..bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
            draft.add(kept).map_err(Stop::Output)?;
            left -= kept.len() as u64;
            progress.advance(kept.len() as u64);
            Ok(())
        });
        let found = found.map_err(|stop| match stop {
            Stop::Output(error) => error.into(),
            Stop::Input(source) => Error::Unreadable {
                place: place.to_owned(),
                source,
            },
        })?;
        if found != part.sha256 {
            return Ok(Err(found));
        }
        draft.commit()?;
        progress.finish();
        self.write_note(part, fs::metadata(&path).ok().and_then(|it| stamp(&it)));
        Ok(Ok(()))
    }

    /// Waits until no other process fetches into the cache.
    pub(crate) fn lock(&self, command: &str) -> Result<FolderLock> {
        let mut is_told = false;
        loop {
            match FolderLock::alone(&self.folder, command) {
                Err(flamingo_files::Error::Held { holder, .. }) => {
                    if !is_told {
                        let folder = self.folder.display();
                        tracing::warn!("waiting for {holder}, which fetches into {folder}");
                    }
                    is_told = true;
                    thread::sleep(PAUSE);
                }
                locked => return Ok(locked?),
            }
        }
    }

    fn path(&self, part: &Part) -> PathBuf {
        self.folder.join(part.sha256.as_str())
    }

    fn note(&self, part: &Part) -> PathBuf {
        self.folder.join(format!("{}.checked", part.sha256))
    }

    /// Without a note, as in a cache that may only be read, the file is hashed the next time, too.
    fn write_note(&self, part: &Part, stamp: Option<String>) {
        if let Some(stamp) = stamp {
            let _ = flamingo_files::write(&self.note(part), stamp.as_bytes());
        }
    }
}

/// Why copying ended before its end.
enum Stop {
    Input(io::Error),
    Output(flamingo_files::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Input(error)
    }
}

/// The size and the time of a file; none where the system keeps no times.
fn stamp(metadata: &Metadata) -> Option<String> {
    let time = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {}\n", metadata.len(), time.as_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variable_of_the_folder_beats_the_more_general_one() {
        let mut vars = [
            ("HOME", "/h"),
            ("XDG_CACHE_HOME", ""),
            ("FLAMINGO_CACHE", ""),
        ];
        let mut folder = |set: Option<(usize, &'static str)>| {
            if let Some((index, value)) = set {
                vars[index].1 = value;
            }
            let get = |name: &str| {
                let found = vars.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            Store::from_vars(get).folder.clone()
        };
        assert_eq!(folder(None), Path::new("/h/.cache/flamingo/parts"));
        assert_eq!(folder(Some((1, "/x"))), Path::new("/x/flamingo/parts"));
        assert_eq!(folder(Some((2, "/f"))), Path::new("/f/parts"));
    }
}
