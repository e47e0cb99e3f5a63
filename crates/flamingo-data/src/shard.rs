//! A WebDataset shard: a tar file in which the members of a sample share the name before the first
//! dot.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::members::{Members, normal};
use crate::{Error, Result, packed};

/// The longest member that is read as text, in bytes.
pub(crate) const TEXT_LIMIT: u64 = 64 << 20;

/// An open shard: the places of its members in the file, whose bytes are read when asked for.
///
/// Of a shard that is compressed there is an unpacked copy among the temporary files for
/// as long as it is open.
#[derive(Debug)]
pub struct Shard {
    path: PathBuf,
    unpacked: Option<NamedTempFile>,
    members: Members,
}

impl Shard {
    /// Reads the shard's list of members.
    ///
    /// # Errors
    /// [`Error::Read`] if it cannot be read, [`Error::Nothing`] if it is no tar file, or
    /// compressed otherwise than with gzip or zstd. One that was cut off is read up to there: see
    /// [`Shard::cut_off`].
    pub fn open(path: &Path) -> Result<Self> {
        let unpacked = packed::unpack(path)?;
        let data = unpacked.as_ref().map_or(path, NamedTempFile::path);
        let members = Members::read(data).map_err(|error| match error.kind() {
            // What its headers say cannot be; the library's words are those of its fields.
            ErrorKind::Other | ErrorKind::InvalidData | ErrorKind::InvalidInput => Error::Nothing {
                path: path.to_path_buf(),
                problem: "it is no tar file, or a damaged one: check the format, or fetch it again"
                    .into(),
            },
            _ => Error::read(path)(error),
        })?;
        Ok(Self {
            path: path.to_path_buf(),
            unpacked,
            members,
        })
    }

    /// The tar file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the shard ends before the mark of a tar file's end, as an error that names the last
    /// member.
    pub fn cut_off(&self) -> Option<Error> {
        let cut = self.members.cut.as_ref()?;
        Some(self.ends_at(&cut.member))
    }

    fn ends_at(&self, member: &str) -> Error {
        Error::CutOff {
            shard: self.path.clone(),
            member: member.to_owned(),
        }
    }

    /// Whether there is a member of that name.
    pub fn has(&self, name: &str) -> bool {
        self.members.places.contains_key(&normal(name))
    }

    /// The bytes of a member, at most `limit` and one more; `./a.png` is `a.png`.
    ///
    /// # Errors
    /// [`Error::Member`] if there is none of that name, [`Error::CutOff`] if the shard ends within
    /// it, [`Error::Read`].
    pub fn member(&self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let place = self.members.places.get(&normal(name));
        let place = place.ok_or_else(|| Error::Member {
            shard: self.path.clone(),
            member: name.to_owned(),
        })?;
        let failed = || Error::read(&self.path);
        let data = self
            .unpacked
            .as_ref()
            .map_or(&*self.path, NamedTempFile::path);
        let mut file = File::open(data).map_err(failed())?;
        file.seek(SeekFrom::Start(place.offset)).map_err(failed())?;
        // One byte more than the limit, so that the decoder sees that it was passed.
        let wanted = place.size.min(limit.saturating_add(1));
        let mut bytes = Vec::new();
        file.take(wanted)
            .read_to_end(&mut bytes)
            .map_err(failed())?;
        if (bytes.len() as u64) < wanted {
            return Err(self.ends_at(name));
        }
        Ok(bytes)
    }

    /// The members by sample: the extension (all after the first dot of the file name) and the
    /// whole name of each. A file whose name begins with a dot belongs to none.
    pub(crate) fn samples(&self) -> BTreeMap<&str, BTreeMap<String, &str>> {
        let mut samples: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
        for name in self.members.places.keys() {
            if let Some((key, extension)) = split(name) {
                let of_key = samples.entry(key).or_default();
                of_key.insert(extension.to_ascii_lowercase(), name);
            }
        }
        samples
    }

    /// The sample of the last member of a shard that was cut off, and whether bytes of it are surely
    /// missing. Others of its members may have stood in what is gone.
    pub(crate) fn last_sample(&self) -> Option<(&str, bool)> {
        let cut = self.members.cut.as_ref()?;
        split(&cut.member).map(|(key, _)| (key, cut.within))
    }
}

/// The key and the extension of a member; none if its file name has no dot or begins with one.
fn split(name: &str) -> Option<(&str, &str)> {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = name[file..].find('.').filter(|&dot| dot > 0)?;
    Some((&name[..file + dot], &name[file + dot + 1..]))
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    pub(crate) fn tar(members: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        let mut builder = tar::Builder::new(File::create(&path).unwrap());
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            // As it stands, with the `./` that `append_data` would take away.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.finish().unwrap();
        (folder, path)
    }

    /// The shard compressed with gzip, beside it.
    pub(crate) fn gzip(path: &Path) -> PathBuf {
        let to = path.with_extension("tar.gz");
        let mut encoder = GzEncoder::new(File::create(&to).unwrap(), Compression::fast());
        encoder.write_all(&std::fs::read(path).unwrap()).unwrap();
        encoder.finish().unwrap();
        to
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
        for bytes in [
            &[7; 1000][..],
            "<!DOCTYPE html><p>not found\n".repeat(99).as_bytes(),
            b"short",
        ] {
            std::fs::write(&path, bytes).unwrap();
            let message = Shard::open(&path).unwrap_err().to_string();
            assert!(message.contains("a.tar: it is no tar file"), "{message}");
        }
    }

    #[test]
    fn a_member_is_found_with_and_without_the_folder_that_tar_was_called_in() {
        let (_folder, path) = tar(&[("./d/1.png", b"x"), ("2.png", b"y")]);
        let shard = Shard::open(&path).unwrap();
        for (name, bytes) in [
            ("d/1.png", b"x"),
            ("./d/1.png", b"x"),
            ("d/./1.png", b"x"),
            ("./2.png", b"y"),
        ] {
            assert_eq!(shard.member(name, 100).unwrap(), bytes, "{name}");
        }
        assert_eq!(shard.samples().keys().collect::<Vec<_>>(), [&"2", &"d/1"]);
    }

    #[test]
    fn files_whose_names_begin_with_a_dot_belong_to_no_sample() {
        let (_folder, path) = tar(&[("._1.png", b"x"), ("1.png", b"y"), ("d/.hidden", b"z")]);
        let shard = Shard::open(&path).unwrap();
        assert_eq!(shard.samples().keys().collect::<Vec<_>>(), [&"1"]);
    }

    #[test]
    fn a_hard_link_is_the_member_that_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        let mut builder = tar::Builder::new(File::create(&path).unwrap());
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        builder
            .append_data(&mut header, "1.png", &b"abc"[..])
            .unwrap();
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Link);
        link.set_size(0);
        builder.append_link(&mut link, "2.png", "1.png").unwrap();
        builder.finish().unwrap();
        assert_eq!(
            Shard::open(&path).unwrap().member("2.png", 9).unwrap(),
            b"abc"
        );
    }

    #[test]
    fn a_symbolic_link_is_the_member_that_it_leads_to_wherever_that_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        let mut builder = tar::Builder::new(File::create(&path).unwrap());
        let link = |builder: &mut tar::Builder<File>, name: &str, target: &str| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, name, target).unwrap();
        };
        link(&mut builder, "d/2.png", "../e/1.png");
        link(&mut builder, "d/3.png", "2.png");
        link(&mut builder, "d/4.png", "gone.png");
        link(&mut builder, "d/5.png", "../../1.png");
        link(&mut builder, "d/6.png", "6.png");
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        builder
            .append_data(&mut header, "e/1.png", &b"abc"[..])
            .unwrap();
        builder.finish().unwrap();
        let shard = Shard::open(&path).unwrap();
        for name in ["d/2.png", "d/3.png"] {
            assert_eq!(shard.member(name, 9).unwrap(), b"abc", "{name}");
        }
        for name in ["d/4.png", "d/5.png", "d/6.png"] {
            assert!(!shard.has(name), "{name}");
        }
    }

    #[test]
    fn long_names_are_whole_however_a_tar_file_spells_them() {
        let name = format!("{}/été.png", "folder-of-a-long-name/".repeat(9));
        for format in [tar::Header::new_gnu(), tar::Header::new_ustar()] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.tar");
            let mut builder = tar::Builder::new(File::create(&path).unwrap());
            let mut header = format;
            header.set_size(3);
            if header.as_gnu().is_none() {
                let record = format!("path={name}\n");
                // The length of a record counts its own digits.
                let record = format!("{} {record}", record.len() + 4);
                let mut extended = tar::Header::new_ustar();
                extended.set_entry_type(tar::EntryType::XHeader);
                extended.set_size(record.len() as u64);
                builder
                    .append_data(&mut extended, "PaxHeaders/x", record.as_bytes())
                    .unwrap();
                builder
                    .append_data(&mut header, "short.png", &b"abc"[..])
                    .unwrap();
            } else {
                builder
                    .append_data(&mut header, &name, &b"abc"[..])
                    .unwrap();
            }
            builder.finish().unwrap();
            let shard = Shard::open(&path).unwrap();
            assert_eq!(shard.member(&name, 9).unwrap(), b"abc");
        }
    }

    #[test]
    fn a_shard_cut_off_anywhere_says_so_and_gives_what_is_whole() {
        let (_folder, path) = tar(&[("1.txt", &[b'x'; 700]), ("2.txt", &[b'y'; 700])]);
        let bytes = std::fs::read(&path).unwrap();
        // A block of 512 for each header, two for each text, two for the end.
        assert_eq!(bytes.len(), 8 * 512);
        assert!(Shard::open(&path).unwrap().cut_off().is_none());
        // At the borders of all blocks and within them.
        let cuts = (0..8).flat_map(|block| [0, 1, 188, 300, 511].map(|at| 512 * block + at));
        for length in cuts.skip(1) {
            std::fs::write(&path, &bytes[..length]).unwrap();
            // The first header must be there for it to be a tar file at all.
            if length < 512 {
                assert!(Shard::open(&path).is_err(), "{length}");
                continue;
            }
            let shard = Shard::open(&path).unwrap();
            // One block of zeros is mark enough.
            assert_eq!(shard.cut_off().is_some(), length < 7 * 512, "{length}");
            let whole = |name: &str| shard.member(name, 1000).is_ok();
            assert_eq!(whole("1.txt"), length >= 512 + 700, "{length}");
            assert_eq!(whole("2.txt"), length >= 4 * 512 + 700, "{length}");
            if let Some(error) = shard.cut_off() {
                let message = error.to_string();
                let last = if length < 4 * 512 { "1.txt" } else { "2.txt" };
                assert!(
                    message.contains("a.tar") && message.contains(last),
                    "{message}"
                );
            }
        }
    }

    #[test]
    fn a_shard_that_is_compressed_is_unpacked_or_named() {
        let noise: Vec<u8> = (0..9000_u64).map(|i| ((i * i * 7919) >> 7) as u8).collect();
        let (_folder, path) = tar(&[("1.txt", &noise), ("2.txt", &noise)]);
        let packed = gzip(&path);
        let shard = Shard::open(&packed).unwrap();
        assert_eq!(shard.member("2.txt", 1 << 20).unwrap(), noise);
        assert!(shard.cut_off().is_none());
        let bytes = std::fs::read(&packed).unwrap();
        std::fs::write(&packed, &bytes[..bytes.len() / 2]).unwrap();
        assert!(Shard::open(&packed).unwrap().cut_off().is_some());
        let packed = zstd::bulk::compress(&std::fs::read(&path).unwrap(), 3).unwrap();
        let zst = path.with_extension("tar.zst");
        for before in [&b""[..], b"\x50\x2a\x4d\x18\x01\0\0\0x"] {
            std::fs::write(&zst, [before, &packed].concat()).unwrap();
            let shard = Shard::open(&zst).unwrap();
            assert_eq!(shard.member("2.txt", 1 << 20).unwrap(), noise);
            assert!(shard.cut_off().is_none());
        }
        for (magic, kind) in [
            (&b"\x04\x22\x4d\x18...."[..], "lz4"),
            (b"\xfd7zXZ\0..", "xz"),
            (b"BZh91AY&", "bzip2"),
        ] {
            std::fs::write(&path, magic).unwrap();
            let message = Shard::open(&path).unwrap_err().to_string();
            assert!(
                message.contains("a.tar") && message.contains(kind),
                "{message}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_mutation_of_a_shard_is_read_to_its_end_or_refused(
            edits in proptest::collection::vec((0_usize..9000, proptest::num::u8::ANY, 0_u8..4), 1..9),
            is_packed: bool,
        ) {
            let (_folder, mut path) = tar(&[("./1.png", &[7; 700]), ("1.txt", b"x"), ("d/2.json", b"{\"parts\": []}")]);
            if is_packed {
                path = gzip(&path);
            }
            let mut bytes = std::fs::read(&path).unwrap();
            for (at, byte, edit) in edits {
                let at = at % bytes.len().max(1);
                match edit {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    2 => bytes.truncate(at.max(1)),
                    _ => drop(bytes.drain(at..(at + usize::from(byte)).min(bytes.len() - 1))),
                }
            }
            std::fs::write(&path, &bytes).unwrap();
            if let Ok(shard) = Shard::open(&path) {
                let names = shard.samples().into_values().flat_map(|members| members.into_values());
                let names: Vec<String> = names.map(str::to_owned).collect();
                for name in names {
                    if let Ok(bytes) = shard.member(&name, 99) {
                        proptest::prop_assert!(bytes.len() <= 100);
                    }
                }
                let _ = (shard.cut_off(), shard.last_sample());
            }
        }
    }
}
