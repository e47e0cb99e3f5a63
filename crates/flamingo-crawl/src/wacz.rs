//! WACZ and other ZIP archives of WARC files: where each of these lies.
//!
//! What else an archive holds (indexes, lists of pages) is not asked: it may be absent or wrong.

use std::io::{self, Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive};

use crate::input::Kind;
use crate::store::{Entry, Stores};
use crate::unread::Unread;
use crate::{Error, Result, zipped};

/// How much of a file is asked for at once.
const BLOCK: u64 = 64 << 10;

/// A WARC file in an archive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Where its bytes begin in the archive.
    pub(crate) start: u64,
    pub(crate) length: u64,
    /// Whether the archive compresses it once more.
    pub(crate) is_deflated: bool,
}

/// What an archive is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Archive {
    /// One of WARC files, in order of name.
    Warcs(Vec<Member>),
    /// One of a page, or of a HAR file: see [`zipped`].
    Page,
    /// Something that is not read.
    Unread(Unread),
    /// One that cannot be read: why.
    Damaged(String),
}

/// Looks into a ZIP archive.
///
/// # Errors
/// If the file cannot be opened.
pub(crate) fn look(name: &str, stores: &Stores) -> Result<Archive> {
    let Some(Entry::File(size)) = stores.entry(name)? else {
        return Err(Error::io(name)(io::ErrorKind::NotFound.into()));
    };
    let file = File {
        stores: stores.clone(),
        name: name.to_owned(),
        size,
        position: 0,
        block: Vec::new(),
        block_start: 0,
    };
    Ok(members(file).unwrap_or_else(|error| Archive::Damaged(error.to_string())))
}

fn members(file: File) -> Result<Archive, zip::result::ZipError> {
    let mut archive = ZipArchive::new(file)?;
    let names: Vec<String> = archive
        .file_names()
        .flatten()
        .map(|name| name.to_string())
        .collect();
    if names.iter().any(|name| name == "META-INF/container.xml") {
        return Ok(Archive::Unread(Unread::Epub));
    }
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index)?;
        let name = member.name()?.into_owned();
        if Kind::by_name(&name) != Some(Kind::Warc) {
            continue;
        }
        let is_deflated = match member.compression() {
            CompressionMethod::STORE => false,
            CompressionMethod::DEFLATE => true,
            _ => return Ok(unpackable(&name)),
        };
        if member.encrypted() {
            return Ok(Archive::Damaged(format!("{name} is encrypted")));
        }
        let Some(start) = member.data_start() else {
            return Ok(unpackable(&name));
        };
        members.push(Member {
            name,
            start,
            length: member.compressed_size(),
            is_deflated,
        });
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    let root = || zipped::root(names.iter().map(String::as_str));
    Ok(match members.is_empty() {
        true if root().is_some() => Archive::Page,
        true => Archive::Unread(Unread::Zip),
        false => Archive::Warcs(members),
    })
}

fn unpackable(member: &str) -> Archive {
    Archive::Damaged(format!("{member} is neither stored nor deflated"))
}

/// A file of a store that can be read from anywhere.
struct File {
    stores: Stores,
    name: String,
    size: u64,
    position: u64,
    block: Vec<u8>,
    block_start: u64,
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let held = self.block_start..self.block_start + self.block.len() as u64;
        if !held.contains(&self.position) {
            if self.position >= self.size {
                return Ok(0);
            }
            let read = self.stores.read_range(&self.name, self.position, BLOCK);
            self.block = read.map_err(io::Error::other)?;
            self.block_start = self.position;
        }
        let bytes = &self.block[(self.position - self.block_start) as usize..];
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::{Cursor, Write};
    use std::path::Path;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::{Answer, Item, ReadOptions, Unit, list_units, read_at};

    /// An archive of stored members.
    fn archive(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::STORE);
        for (name, bytes) in members {
            archive.start_file(*name, stored).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    /// An archive whose one member is deflated.
    fn deflated(name: &str, bytes: &[u8]) -> Vec<u8> {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(bytes).unwrap();
        let mut archive = archive(&[(name, packed.finish().unwrap())]);
        let central = memchr::memmem::rfind(&archive, b"PK\x01\x02").unwrap();
        // The method in both headers of the member.
        archive[8] = 8;
        archive[central + 10] = 8;
        archive
    }

    fn record(url: &str, body: &str) -> Vec<u8> {
        let content = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{body}");
        let length = content.len();
        format!(
            "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nContent-Length: {length}\r\n\r\n{content}\r\n\r\n"
        )
        .into_bytes()
    }

    fn units(folder: &Path, name: &str, bytes: &[u8]) -> Result<Vec<Unit>> {
        let file = folder.join(name);
        std::fs::write(&file, bytes).unwrap();
        list_units(
            &[file.to_str().unwrap().to_owned()],
            None,
            &ReadOptions::default(),
        )
    }

    fn answers(units: &[Unit]) -> Vec<Answer> {
        let items = units
            .iter()
            .flat_map(|unit| unit.open(&ReadOptions::default()).unwrap());
        let answers = items.filter_map(|item| match item.unwrap() {
            Item::Answer(answer) => Some(answer),
            _ => None,
        });
        answers.collect()
    }

    #[test]
    fn warcs_of_an_archive_are_read_where_they_lie_whatever_else_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = archive(&[
            (
                "pages/pages.jsonl",
                b"{\"url\": \"https://else.org/\"}\n".to_vec(),
            ),
            ("archive/b.warc", record("https://b.org/", "<p>b")),
            (
                "archive/a.warc",
                [
                    record("https://a.org/1", "<p>1"),
                    record("https://a.org/2", "<p>2"),
                ]
                .concat(),
            ),
        ]);
        let units = units(folder.path(), "x.wacz", &bytes).unwrap();
        let found = answers(&units);
        let urls: Vec<_> = found.iter().map(|answer| answer.url.as_str()).collect();
        assert_eq!(
            urls,
            ["https://a.org/1", "https://a.org/2", "https://b.org/"]
        );
        for answer in &found {
            let again = read_at(answer.place.as_ref().unwrap(), &ReadOptions::default());
            assert_eq!(again.unwrap().as_ref(), Some(answer));
        }
    }

    #[test]
    fn warc_that_the_archive_compresses_is_read_and_lies_nowhere_alone() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = deflated("archive/a.warc", &record("https://a.org/", "<p>a"));
        let found = answers(&units(folder.path(), "x.zip", &bytes).unwrap());
        assert_eq!(
            (found[0].url.as_str(), &found[0].place),
            ("https://a.org/", &None)
        );
    }

    #[test]
    fn archive_without_warcs_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let error =
            |name: &str, bytes: &[u8]| units(folder.path(), name, bytes).unwrap_err().to_string();
        let book = archive(&[
            ("mimetype", b"application/epub+zip".to_vec()),
            ("META-INF/container.xml", Vec::new()),
        ]);
        assert!(error("book.zip", &book).contains("an EPUB book"));
        assert!(error("x.zip", &archive(&[("a.txt", Vec::new())])).contains("without WARC files"));
        let cut = &book[..book.len() - 30];
        assert!(error("cut.wacz", cut).contains("an archive that cannot be read"));
    }

    proptest::proptest! {
        #[test]
        fn any_mutation_of_an_archive_is_read_to_its_end_or_refused(
            is_deflated: bool,
            edits in crate::testing::edits(),
        ) {
            let warc = [record("https://a.org/1", "<p>1"), record("https://a.org/2", "<p>2")].concat();
            let bytes = match is_deflated {
                true => deflated("archive/a.warc", &warc),
                false => archive(&[("pages/pages.jsonl", b"{}".to_vec()), ("archive/a.warc", warc)]),
            };
            let bytes = crate::testing::edited(bytes, &edits);
            let folder = tempfile::tempdir().unwrap();
            let options = ReadOptions { max_record: 4000, max_body: 4000, ..ReadOptions::default() };
            for unit in units(folder.path(), "x.wacz", &bytes).unwrap_or_default() {
                // A deflated member whose bytes do not unpack ends in an error.
                let items: Vec<_> = unit.open(&options).into_iter().flatten().collect();
                proptest::prop_assert!(items.len() <= bytes.len() + 12);
                let errors = items.iter().filter(|item| item.is_err()).count();
                proptest::prop_assert!(errors == 0 || errors == 1 && is_deflated && items[items.len() - 1].is_err());
            }
        }
    }
}
