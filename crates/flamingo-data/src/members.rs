//! The members of a tar file, and whether it has its end.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// So many symbolic links may lead from one to the next.
const MAX_LINKS: usize = 8;

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
    /// Reads the list of members. Of members with one name the last stands; a link is the member
    /// that it names, a symbolic one also where that stands behind it.
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
        let mut links = Vec::new();
        for entry in archive.entries_with_seek()? {
            let entry = match entry {
                Ok(entry) => entry,
                // The file ends within the header of the next member.
                Err(_) if ended.get() && last.is_some() => break,
                Err(error) => return Err(error),
            };
            let name = normal(&String::from_utf8_lossy(&entry.path_bytes()));
            let kind = entry.header().entry_type();
            if kind.is_file() || kind.is_contiguous() {
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
            } else if let (true, Some(target)) = (kind.is_symlink(), entry.link_name_bytes())
                && let Some(target) = led_to(&name, &String::from_utf8_lossy(&target))
            {
                links.push((name, target));
            }
        }
        members.follow(links);
        members.cut = last
            .map(|(member, place)| Cut {
                member,
                within: place.offset.saturating_add(place.size) > length,
            })
            .filter(|cut| cut.within || ended.get());
        Ok(members)
    }

    /// Puts symbolic links in place, those that lead to others, too.
    fn follow(&mut self, links: Vec<(String, String)>) {
        let targets: BTreeMap<&str, &str> = links
            .iter()
            .map(|(name, target)| (&**name, &**target))
            .collect();
        let mut found = Vec::new();
        for (name, target) in &targets {
            let mut target = *target;
            for _ in 0..MAX_LINKS {
                match (self.places.get(target), targets.get(target)) {
                    (Some(place), _) => {
                        found.push(((*name).to_owned(), *place));
                        break;
                    }
                    (None, Some(next)) => target = *next,
                    (None, None) => break,
                }
            }
        }
        self.places.extend(found);
    }
}

/// What a symbolic link of the member `name` leads to; none if that is outside of the tar file.
fn led_to(name: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut words: Vec<&str> = name.split('/').collect();
    words.pop();
    for word in target.split('/') {
        match word {
            "" | "." => {}
            ".." => drop(words.pop()?),
            word => words.push(word),
        }
    }
    Some(words.join("/"))
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
