//! Resolving ids, against a hub on this machine.

mod cache;
mod download;
mod hostile;
mod offline;
mod refusal;
mod resume;
mod server;

use std::fs;
use std::path::{Path, PathBuf};

use flamingo_checkpoint::{Hub, HubError, HubOptions, Progress};
use server::{COMMIT, Server};
use tempfile::TempDir;

/// A cache of its own and the hub that a test talks to.
struct Place {
    cache: TempDir,
    options: HubOptions,
}

impl Place {
    fn new(endpoint: String) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let mut options = HubOptions::from_vars(|_| None);
        options.cache = cache.path().join("hub");
        options.endpoint = endpoint;
        Self { cache, options }
    }

    fn of(server: &Server) -> Self {
        Self::new(server.endpoint())
    }

    fn with_token(mut self, token: &str) -> Self {
        self.options.token = Some(token.to_owned());
        self
    }

    fn offline(mut self) -> Self {
        self.options.offline = true;
        self
    }

    fn resolve(&self, id: &str) -> Result<PathBuf, HubError> {
        self.hub().resolve(id, &|_| true, &mut ())
    }

    fn hub(&self) -> Hub {
        Hub::new(self.options.clone())
    }

    /// The message of the failure that must come.
    fn failure(&self, id: &str) -> String {
        self.resolve(id).unwrap_err().to_string()
    }

    fn repo(&self) -> PathBuf {
        self.options.cache.join("models--org--name")
    }

    fn blobs(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.repo().join("blobs")) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A snapshot as Python's `huggingface_hub` leaves it.
    fn put(&self, name: &str, content: &[u8]) {
        let blob = server::sha256(content);
        write(&self.repo().join("blobs").join(&blob), content);
        write(&self.repo().join("refs/main"), COMMIT.as_bytes());
        let pointer = self.repo().join("snapshots").join(COMMIT).join(name);
        fs::create_dir_all(pointer.parent().unwrap()).unwrap();
        let up = "../".repeat(name.split('/').count() + 1);
        std::os::unix::fs::symlink(format!("{up}blobs/{blob}"), pointer).unwrap();
    }
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// All that a progress bar would have shown.
#[derive(Default)]
struct Shown(Vec<(String, u64, u64, bool)>);

impl Progress for Shown {
    fn start(&mut self, file: &str, bytes: u64) {
        self.0.push((file.to_owned(), bytes, 0, false));
    }

    fn advance(&mut self, bytes: u64) {
        self.0.last_mut().unwrap().2 += bytes;
    }

    fn finish(&mut self) {
        self.0.last_mut().unwrap().3 = true;
    }
}
