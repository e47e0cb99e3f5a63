//! Archives that are the same bytes for the same contents, and their checksums.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

/// A file within an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) bytes: Vec<u8>,
    /// Whether it can be run.
    pub(crate) runs: bool,
}

impl Entry {
    /// A file to be read.
    pub(crate) fn text(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self { bytes, runs: false }
    }
}

/// A gzipped tar of `files`, whose names are paths within the folder `folder`; all of them as old as `time`.
///
/// # Errors
/// If a name is too long for the format.
pub(crate) fn pack(
    folder: &str,
    files: &BTreeMap<String, Entry>,
    time: u64,
) -> anyhow::Result<Vec<u8>> {
    // Neither a name nor a time in gzip's header.
    let packer = GzBuilder::new().write(Vec::new(), Compression::best());
    let mut tar = Builder::new(packer);
    // Folders come before what lies in them, for they are sorted as beginnings of its path.
    let mut entries = BTreeMap::from([(format!("{folder}/"), None)]);
    for (name, entry) in files {
        for (at, _) in name.match_indices('/') {
            entries.insert(format!("{folder}/{}", &name[..=at]), None);
        }
        entries.insert(format!("{folder}/{name}"), Some(entry));
    }
    for (path, entry) in entries {
        let bytes = entry.map_or(&[][..], |entry| &entry.bytes);
        let mut header = header(entry, time);
        tar.append_data(&mut header, &path, bytes)
            .with_context(|| format!("cannot pack {path}"))?;
    }
    Ok(tar.into_inner()?.finish()?)
}

fn header(entry: Option<&Entry>, time: u64) -> Header {
    let mut header = Header::new_ustar();
    let (kind, mode) = match entry {
        None => (EntryType::Directory, 0o755),
        Some(entry) if entry.runs => (EntryType::Regular, 0o755),
        Some(_) => (EntryType::Regular, 0o644),
    };
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(time);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(entry.map_or(0, |entry| entry.bytes.len() as u64));
    header
}

/// Lines that `sha256sum --check` reads, sorted by name.
pub(crate) fn checksums(files: &BTreeMap<String, Vec<u8>>) -> String {
    files
        .iter()
        .map(|(name, bytes)| format!("{:x}  {name}\n", Sha256::digest(bytes)))
        .collect()
}

/// Writes the file under another name first, so that it is never there in part.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    fs::write(&unfinished, bytes)
        .and_then(|()| fs::rename(&unfinished, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn files() -> BTreeMap<String, Entry> {
        let program = Entry {
            bytes: vec![7; 100_003],
            runs: true,
        };
        BTreeMap::from([
            ("README.md".into(), Entry::text("read me")),
            ("man/flamingo.1".into(), Entry::text(".TH flamingo")),
            ("flamingo".into(), program),
            ("man/flamingo-ask.1".into(), Entry::text(".TH ask")),
        ])
    }

    #[test]
    fn an_archive_is_the_same_bytes_every_time() {
        let first = pack("flamingo-1-x", &files(), 1_700_000_000).unwrap();
        assert_eq!(
            first,
            pack("flamingo-1-x", &files(), 1_700_000_000).unwrap()
        );
        assert_ne!(
            first,
            pack("flamingo-1-x", &files(), 1_700_000_001).unwrap()
        );
    }

    #[test]
    fn entries_are_sorted_belong_to_root_and_only_the_program_can_be_run() {
        let packed = pack("flamingo-1-x", &files(), 11).unwrap();
        let mut archive = tar::Archive::new(GzDecoder::new(&packed[..]));
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), 11);
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            found.push((path, header.mode().unwrap(), bytes.len()));
        }
        let expected = [
            ("flamingo-1-x/", 0o755, 0),
            ("flamingo-1-x/README.md", 0o644, 7),
            ("flamingo-1-x/flamingo", 0o755, 100_003),
            ("flamingo-1-x/man/", 0o755, 0),
            ("flamingo-1-x/man/flamingo-ask.1", 0o644, 7),
            ("flamingo-1-x/man/flamingo.1", 0o644, 12),
        ];
        let expected = expected.map(|(path, mode, len)| (path.to_owned(), mode, len));
        assert_eq!(found, expected);
    }

    #[test]
    fn checksums_are_as_sha256sum_writes_them() {
        let files = BTreeMap::from([
            ("b.tar.gz".to_owned(), b"abc".to_vec()),
            ("a.tar.gz".to_owned(), Vec::new()),
        ]);
        assert_eq!(
            checksums(&files),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a.tar.gz\n\
             ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b.tar.gz\n"
        );
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_leaves_nothing_else_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("SHA256SUMS");
        write_whole(&path, b"old").unwrap();
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let lost = folder.path().join("none/SHA256SUMS");
        let message = write_whole(&lost, b"").unwrap_err().to_string();
        assert!(message.contains("none/SHA256SUMS"), "{message}");
    }
}
