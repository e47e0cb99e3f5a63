//! The cache's layout, shared with Python's `huggingface_hub` and the crate `hf-hub`:
//! `models--org--name/` with `blobs/` named by etag, `snapshots/COMMIT/` of links to them, and
//! `refs/` from branch to commit.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use flamingo_files::Draft;
use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use super::error::{HubError, Result};
use super::id::RepoId;
use super::names::is_commit;

/// One repository's part of the cache.
pub(crate) struct RepoCache {
    repo: CacheRepo,
    folder: PathBuf,
    locks: PathBuf,
}

impl RepoCache {
    pub(crate) fn new(cache: &Path, id: &RepoId) -> Self {
        let repo = Repo::with_revision(id.name.clone(), RepoType::Model, id.revision.clone());
        let name = repo.folder_name();
        Self {
            folder: cache.join(&name),
            locks: cache.join(".locks").join(name),
            repo: Cache::new(cache.to_owned()).repo(repo),
        }
    }

    pub(crate) fn snapshot(&self, commit: &str) -> PathBuf {
        self.repo.pointer_path(commit)
    }

    pub(crate) fn blob(&self, name: &str) -> PathBuf {
        self.folder.join("blobs").join(name)
    }

    /// Where a blob grows until it is complete.
    pub(crate) fn part(&self, name: &str) -> PathBuf {
        self.folder.join("blobs").join(format!("{name}.incomplete"))
    }

    /// The commit that a branch, tag or commit stands for here.
    pub(crate) fn commit(&self, revision: &str) -> Option<String> {
        let text = fs::read_to_string(self.ref_path(revision)).ok();
        let commit = text.as_deref().map_or(revision, str::trim);
        (is_commit(commit) && self.snapshot(commit).is_dir()).then(|| commit.to_owned())
    }

    /// Lets a branch or tag stand for a commit from now on.
    pub(crate) fn set_commit(&self, revision: &str, commit: &str) -> Result<()> {
        if revision == commit || self.commit(revision).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.ref_path(revision);
        create_parent(&path)?;
        Ok(flamingo_files::write(&path, commit.as_bytes())?)
    }

    /// Shows a blob under its name in a commit's snapshot.
    pub(crate) fn link(&self, commit: &str, name: &str, blob: &str) -> Result<()> {
        let pointer = self.snapshot(commit).join(name);
        create_parent(&pointer)?;
        if pointer.is_file() {
            return Ok(());
        }
        if pointer.is_symlink() {
            // Its blob was deleted. Another process may be as far, so a failure here says nothing.
            let _ = fs::remove_file(&pointer);
        }
        let up = "../".repeat(name.split('/').count() + 1);
        match symlink(&format!("{up}blobs/{blob}"), &pointer) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(_) => self.duplicate(&self.blob(blob), &pointer),
        }
    }

    /// The second best where a file system has no symbolic links.
    fn duplicate(&self, blob: &Path, pointer: &Path) -> Result<()> {
        if fs::hard_link(blob, pointer).is_ok() || pointer.is_file() {
            return Ok(());
        }
        let mut from = File::open(blob).map_err(HubError::io("read", blob))?;
        let mut copy = Draft::create(pointer)?;
        io::copy(&mut from, &mut copy).map_err(HubError::io("copy", blob))?;
        Ok(copy.commit()?)
    }

    /// Waits until no other process or thread downloads this blob. The same file that Python locks.
    pub(crate) fn lock(&self, blob: &str) -> Result<File> {
        let path = self.locks.join(format!("{blob}.lock"));
        create_parent(&path)?;
        let options = File::options().create(true).append(true).open(&path);
        let file = options.map_err(HubError::io("create", &path))?;
        match file.lock() {
            // Some network file systems know no locks; the checks of size and content remain.
            Err(error) if error.kind() != io::ErrorKind::Unsupported => {
                Err(HubError::io("lock", &path)(error))
            }
            _ => Ok(file),
        }
    }

    fn ref_path(&self, revision: &str) -> PathBuf {
        self.folder.join("refs").join(revision)
    }
}

pub(crate) fn create_parent(path: &Path) -> Result<()> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    fs::create_dir_all(parent).map_err(HubError::io("create", parent))
}

#[cfg(unix)]
fn symlink(target: &str, pointer: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, pointer)
}

/// Elsewhere they need rights that users rarely have.
#[cfg(not(unix))]
fn symlink(_target: &str, _pointer: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
