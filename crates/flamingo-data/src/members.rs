//! The members of a tar file, and whether it has its end.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Where the bytes of a member lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// The members of a tar file by their names, as [`normal`] spells them.
#[derive(Debug, Default)]
pub(crate) struct Members {
    pub(crate) places: BTreeMap<String, Place>,
    /// Where the file ends, if that is before the mark of a tar file's end.
    pub(crate) cut: Option<Cut>,
}

/// A tar file that ends too early.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    /// The last member.
    pub(crate) member: String,
    /// Whether bytes of that member are missing.
    pub(crate) within: bool,
}

impl Members {
    /// Reads the list of members. Of members with one name the last stands; a hard link is the
    /// member that it names.
    ///
    /// # Errors
    /// If the file cannot be read, or is no tar file.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let ended = Cell::new(false);
        let watched = Watched {
            file,
            ended: &ended,
        };
        let mut archive = tar::Archive::new(BufReader::new(watched));
        let mut members = Self::default();
        let mut last = None;
        for entry in archive.entries_with_seek()? {
            let entry = match entry {
                Ok(entry) => entry,
                // The file ends within the header of the next member.
                Err(_) if ended.get() && last.is_some() => break,
                Err(error) => return Err(error),
            };
            let name = normal(&String::from_utf8_lossy(&entry.path_bytes()));
            let kind = entry.header().entry_type();
            if kind.is_file() {
                let place = Place {
                    offset: entry.raw_file_position(),
                    size: entry.size(),
                };
                members.places.insert(name.clone(), place);
                last = Some((name, place));
            } else if let (true, Some(target)) = (kind.is_hard_link(), entry.link_name_bytes()) {
                let target = normal(&String::from_utf8_lossy(&target));
                if let Some(&place) = members.places.get(&target) {
                    members.places.insert(name, place);
                }
            }
        }
        members.cut = last
            .map(|(member, place)| Cut {
                member,
                within: place.offset.saturating_add(place.size) > length,
            })
            .filter(|cut| cut.within || ended.get());
        Ok(members)
    }
}

/// A name without the `./` that tar puts before what lies in the folder it was called in.
pub(crate) fn normal(name: &str) -> String {
    let words = name.split('/').filter(|word| !matches!(*word, "" | "."));
    words.collect::<Vec<_>>().join("/")
}

/// A file, and whether anyone has asked for what lies behind its end: a reader of a tar file does so
/// only if the mark of its end is missing.
struct Watched<'a> {
    file: File,
    ended: &'a Cell<bool>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            self.ended.set(true);
        }
        Ok(count)
    }
}

impl Seek for Watched<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
