//! A WebDataset shard: a tar file in which the members of a sample share the name before the first
//! dot.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// An open shard: the places of its members in the file, whose bytes are read when asked for.
#[derive(Debug)]
pub struct Shard {
    path: PathBuf,
    members: BTreeMap<String, (u64, u64)>,
}

impl Shard {
    /// Reads the shard's list of members.
    ///
    /// # Errors
    /// [`Error::Read`] if it cannot be read or is no tar file.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = || Error::read(path);
        let file = File::open(path).map_err(failed())?;
        let mut archive = tar::Archive::new(BufReader::new(file));
        let mut members = BTreeMap::new();
        for entry in archive.entries_with_seek().map_err(failed())? {
            let entry = entry.map_err(failed())?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = entry
                .path()
                .map_err(failed())?
                .to_string_lossy()
                .into_owned();
            members.insert(name, (entry.raw_file_position(), entry.size()));
        }
        Ok(Self {
            path: path.to_path_buf(),
            members,
        })
    }

    /// The tar file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of a member, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Member`] if there is none of that name, [`Error::Read`].
    pub fn member(&self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let &(offset, size) = self.members.get(name).ok_or_else(|| Error::Member {
            shard: self.path.clone(),
            member: name.to_owned(),
        })?;
        let failed = || Error::read(&self.path);
        let mut file = File::open(&self.path).map_err(failed())?;
        file.seek(SeekFrom::Start(offset)).map_err(failed())?;
        // One byte more than the limit, so that the decoder sees that it was passed.
        let mut bytes = Vec::new();
        file.take(size.min(limit.saturating_add(1)))
            .read_to_end(&mut bytes)
            .map_err(failed())?;
        Ok(bytes)
    }

    /// The members by sample: the extension (all after the first dot of the file name) and the
    /// whole name of each.
    pub(crate) fn samples(&self) -> BTreeMap<&str, BTreeMap<String, &str>> {
        let mut samples: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
        for name in self.members.keys() {
            let file = name.rfind('/').map_or(0, |slash| slash + 1);
            if let Some(dot) = name[file..].find('.') {
                let (key, extension) = (&name[..file + dot], &name[file + dot + 1..]);
                let of_key = samples.entry(key).or_default();
                of_key.insert(extension.to_ascii_lowercase(), name);
            }
        }
        samples
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    pub(crate) fn tar(members: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        let mut builder = tar::Builder::new(File::create(&path).unwrap());
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.finish().unwrap();
        (folder, path)
    }

    #[test]
    fn a_missing_member_and_a_broken_shard_are_named() {
        let (_folder, path) = tar(&[("1.png", b"x")]);
        let shard = Shard::open(&path).unwrap();
        let message = shard.member("2.png", 100).unwrap_err().to_string();
        assert!(
            message.contains("a.tar") && message.contains("2.png"),
            "{message}"
        );
        std::fs::write(&path, vec![7; 1000]).unwrap();
        assert!(Shard::open(&path).is_err());
    }
}
