//! Lines of a file a few at a time, so that they can be worked on in parallel and never take much memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::error::{Error, Result};

/// Bytes of the longest line that is looked at.
const LONGEST: u64 = 64 << 20;
/// Lines of a chunk.
const CHUNK_LINES: usize = 512;
/// Bytes after which a chunk is closed.
const CHUNK_BYTES: usize = 8 << 20;

/// A line that is not empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The number of the file, shifted left by 32, and that of the line in it.
    pub(crate) document: i64,
    /// What it says; `None` for one that is too long.
    pub(crate) text: Option<Vec<u8>>,
}

/// Lines that follow each other.
pub(crate) struct Chunk(Vec<Line>);

impl Chunk {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Line> {
        self.0.iter()
    }

    pub(crate) fn par_iter(&self) -> rayon::slice::Iter<'_, Line> {
        self.0.par_iter()
    }

    pub(crate) fn into_par_iter(self) -> rayon::vec::IntoIter<Line> {
        self.0.into_par_iter()
    }

    /// Whether this document is one of its lines or comes before them.
    pub(crate) fn reaches(&self, document: i64) -> bool {
        self.0.last().is_some_and(|last| document <= last.document)
    }
}

/// The lines of a file.
pub(crate) struct Chunks {
    reader: BufReader<File>,
    path: PathBuf,
    document: i64,
    longest: u64,
}

impl Chunks {
    pub(crate) fn open(path: &Path, unit: usize) -> Result<Self> {
        let file = File::open(path).map_err(Error::file(path))?;
        Ok(Chunks {
            reader: BufReader::with_capacity(1 << 16, file),
            path: path.to_owned(),
            document: (unit as i64) << 32,
            longest: LONGEST,
        })
    }

    /// The next lines; `None` at the file's end.
    pub(crate) fn next(&mut self) -> Result<Option<Chunk>> {
        let mut lines = Vec::new();
        let mut bytes = 0;
        while lines.len() < CHUNK_LINES && bytes < CHUNK_BYTES {
            let Some(line) = self.line().map_err(Error::file(&self.path))? else {
                break;
            };
            bytes += line.text.as_ref().map_or(0, Vec::len);
            lines.push(line);
        }
        Ok((!lines.is_empty()).then_some(Chunk(lines)))
    }

    fn line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut text = Vec::new();
            if self
                .reader
                .by_ref()
                .take(self.longest + 1)
                .read_until(b'\n', &mut text)?
                == 0
            {
                return Ok(None);
            }
            let document = self.document;
            self.document += 1;
            if text.len() as u64 > self.longest && text.last() != Some(&b'\n') {
                self.skip_line()?;
                return Ok(Some(Line {
                    document,
                    text: None,
                }));
            }
            if text.last() == Some(&b'\n') {
                text.pop();
            }
            if !text.trim_ascii().is_empty() {
                return Ok(Some(Line {
                    document,
                    text: Some(text),
                }));
            }
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let (length, found) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.reader.consume(length);
            if found {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn lines(text: &str, longest: u64) -> Vec<(i64, Option<String>)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut chunks = Chunks::open(file.path(), 3).unwrap();
        chunks.longest = longest;
        let mut lines = Vec::new();
        while let Some(chunk) = chunks.next().unwrap() {
            lines.extend(chunk.0.into_iter().map(|line| {
                let text = line.text.map(|text| String::from_utf8(text).unwrap());
                (line.document - (3 << 32), text)
            }));
        }
        lines
    }

    #[test]
    fn empty_lines_are_counted_but_not_given() {
        let some = |number, text: &str| (number, Some(text.to_owned()));
        assert_eq!(lines("a\n\n  \nbc\n", 9), [some(0, "a"), some(3, "bc")]);
        assert_eq!(lines("a\nlast", 9), [some(0, "a"), some(1, "last")]);
        assert_eq!(lines("", 9), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_to_its_end() {
        let some = |number, text: &str| (number, Some(text.to_owned()));
        assert_eq!(
            lines("1234\n12345\n123456\nx", 5),
            [some(0, "1234"), some(1, "12345"), (2, None), some(3, "x")]
        );
        assert_eq!(lines("123456", 5), [(0, None)]);
    }

    #[test]
    fn chunks_end_after_their_lines() {
        assert_eq!(
            lines(&"x\n".repeat(3 * CHUNK_LINES + 1), 9).len(),
            3 * CHUNK_LINES + 1
        );
    }
}
