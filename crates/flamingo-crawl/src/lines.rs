//! Files of lines: pages as JSON, and lists of URLs.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;

use crate::compress::Encoding;
use crate::source::Source;
use crate::{Answer, Counts, Error, Item, ReadOptions, Reason, Result, Skipped};

/// Longer ones are no URLs.
const MAX_URL: usize = 16 << 10;

/// A page in a line.
#[derive(Deserialize)]
struct Line {
    url: String,
    html: String,
}

/// Pages as JSON, one a line.
pub(crate) struct Lines {
    reader: Box<dyn BufRead + Send>,
    file: String,
    /// Where the next line begins.
    position: u64,
    end: u64,
    max: usize,
    line: Vec<u8>,
    read: Arc<AtomicU64>,
}

impl Lines {
    /// The lines that begin in a range of bytes; a compressed file has only one range.
    pub(crate) fn open(
        file: &str,
        start: u64,
        end: Option<u64>,
        options: &ReadOptions,
    ) -> Result<Self> {
        // A line begins at the start if the byte before ends one.
        let from = start.saturating_sub(1);
        let opened = options.stores.open_at(file, from)?;
        let read = Arc::new(AtomicU64::new(0));
        let counting = Counting {
            reader: opened.reader,
            read: Arc::clone(&read),
        };
        let mut lines = Self {
            reader: decompress(BufReader::new(counting)).map_err(Error::io(file))?,
            file: file.to_owned(),
            position: from,
            end: end.unwrap_or(u64::MAX),
            max: usize::try_from(options.max_record).unwrap_or(usize::MAX),
            line: Vec::new(),
            read,
        };
        if start > 0 {
            let (_, length) = lines.read_line().map_err(Error::io(file))?;
            lines.position += length;
        }
        Ok(lines)
    }

    fn read_line(&mut self) -> io::Result<(LineEnd, u64)> {
        read_line(&mut self.reader, &mut self.line, self.max)
    }

    fn skipped(&self, reason: Reason, offset: u64) -> Item {
        Item::Skipped(Skipped {
            reason,
            url: None,
            offset,
        })
    }

    fn parse(&self, offset: u64) -> Option<Item> {
        let line = self.line.trim_ascii();
        if line.is_empty() {
            return None;
        }
        let page = serde_json::from_slice::<Line>(line);
        let page = page.map(|page| (url::Url::parse(&page.url), page.html));
        Some(match page {
            Ok((Ok(url), html)) => {
                // Decoded from JSON, whatever the page says of its charset.
                let charset = Some("utf-8".to_owned());
                let answer = Answer::new(url, Some("text/html"), html.into_bytes());
                Item::Answer(Answer { charset, ..answer })
            }
            Ok((Err(_), _)) => self.skipped(Reason::MissingUrl, offset),
            Err(_) => self.skipped(Reason::MalformedLine, offset),
        })
    }
}

impl Source for Lines {
    fn next(&mut self, _: &mut Counts) -> Result<Option<Item>> {
        loop {
            let offset = self.position;
            if offset >= self.end {
                return Ok(None);
            }
            let (end, length) = match self.read_line() {
                Ok(line) => line,
                Err(error) if is_damage(&error) => {
                    self.end = 0;
                    return Ok(Some(self.skipped(Reason::DamagedCompression, offset)));
                }
                Err(error) => return Err(Error::io(&self.file)(error)),
            };
            self.position += length;
            match end {
                LineEnd::File => return Ok(None),
                LineEnd::TooLong => return Ok(Some(self.skipped(Reason::TooLarge, offset))),
                LineEnd::Line => {}
            }
            if let Some(item) = self.parse(offset) {
                return Ok(Some(item));
            }
        }
    }

    fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// Decoders say so of bytes that they cannot decode, or that break off.
fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    let is_store = error
        .get_ref()
        .is_some_and(|inner| inner.is::<object_store::Error>());
    !is_store
        && matches!(
            error.kind(),
            InvalidData | InvalidInput | UnexpectedEof | Other
        )
}

/// The URLs of a list: a line each; empty lines and those that begin with `#` are left out.
pub(crate) struct Urls {
    reader: Box<dyn BufRead + Send>,
    line: Vec<u8>,
}

impl Urls {
    pub(crate) fn new(reader: impl BufRead + Send + 'static) -> io::Result<Self> {
        Ok(Self {
            reader: decompress(reader)?,
            line: Vec::new(),
        })
    }
}

impl Iterator for Urls {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match read_line(&mut self.reader, &mut self.line, MAX_URL) {
                Err(error) => return Some(Err(error)),
                Ok((LineEnd::File, _)) => return None,
                Ok((LineEnd::TooLong, _)) => continue,
                Ok((LineEnd::Line, _)) => {}
            }
            let line = String::from_utf8_lossy(self.line.trim_ascii());
            let line = line.trim_start_matches('\u{feff}');
            if !line.is_empty() && !line.starts_with('#') {
                return Some(Ok(line.to_owned()));
            }
        }
    }
}

/// How a line ends.
#[derive(Debug, PartialEq, Eq)]
enum LineEnd {
    Line,
    /// It was passed over without being held.
    TooLong,
    /// There is none.
    File,
}

/// Reads a line of at most `max` bytes, and tells how many bytes it had with its end.
fn read_line(
    reader: &mut dyn BufRead,
    line: &mut Vec<u8>,
    max: usize,
) -> io::Result<(LineEnd, u64)> {
    line.clear();
    let mut length = 0;
    loop {
        let bytes = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        let end = memchr::memchr(b'\n', bytes).map(|at| at + 1);
        let is_over = end.is_some() || bytes.is_empty();
        let count = end.unwrap_or(bytes.len());
        if line.len() <= max {
            line.extend_from_slice(&bytes[..count.min(max + 2 - line.len())]);
        }
        reader.consume(count);
        length += count as u64;
        if is_over {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let end = match (length, text.len() > max) {
                (0, _) => LineEnd::File,
                (_, true) => LineEnd::TooLong,
                (_, false) => LineEnd::Line,
            };
            return Ok((end, length));
        }
    }
}

/// Whether a file's first bytes are those of a compressed one.
pub(crate) fn is_compressed(head: &[u8]) -> bool {
    Encoding::sniff(head).is_some()
}

fn decompress(mut reader: impl BufRead + Send + 'static) -> io::Result<Box<dyn BufRead + Send>> {
    Ok(match Encoding::sniff(reader.fill_buf()?) {
        Some(Encoding::Zstd) => {
            let decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
            Box::new(BufReader::new(decoder))
        }
        Some(_) => Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(reader))),
        None => Box::new(reader),
    })
}

struct Counting {
    reader: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Items;

    fn items(path: &std::path::Path, start: u64, end: Option<u64>) -> Items {
        let options = ReadOptions {
            max_record: 1000,
            ..ReadOptions::default()
        };
        Items::new(Lines::open(path.to_str().unwrap(), start, end, &options).unwrap())
    }

    fn urls(items: Items) -> Vec<String> {
        let urls = items.filter_map(|item| match item.unwrap() {
            Item::Answer(answer) => Some(answer.url),
            _ => None,
        });
        urls.collect()
    }

    fn text() -> String {
        (0..20)
            .map(|n| {
                format!("{{\"url\":\"https://a.org/{n}\",\"html\":\"<p>{n}\",\"more\":0}}\r\n")
            })
            .collect()
    }

    #[test]
    fn every_line_is_in_exactly_one_range_wherever_the_borders_are() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, text()).unwrap();
        let all = urls(items(file.path(), 0, None));
        assert_eq!(all.len(), 20);
        for border in 0..text().len() as u64 {
            let mut both = urls(items(file.path(), 0, Some(border)));
            both.extend(urls(items(file.path(), border, None)));
            assert_eq!(both, all, "border at {border}");
        }
    }

    #[test]
    fn compressed_lines_are_read_and_what_breaks_off_is_counted() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut gzip, text().as_bytes()).unwrap();
        let gzip = gzip.finish().unwrap();
        std::fs::write(&file, &gzip).unwrap();
        assert_eq!(urls(items(file.path(), 0, None)).len(), 20);
        std::fs::write(&file, zstd::bulk::compress(text().as_bytes(), 3).unwrap()).unwrap();
        assert_eq!(urls(items(file.path(), 0, None)).len(), 20);
        std::fs::write(&file, &gzip[..gzip.len() - 20]).unwrap();
        let mut clipped = items(file.path(), 0, None);
        assert!(clipped.by_ref().all(|item| item.is_ok()));
        assert_eq!(clipped.counts().get("damaged_compression"), 1);
    }

    #[test]
    fn lines_that_hold_no_page_are_counted() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let long = "x".repeat(5000);
        let lines = format!(
            "\n{{}}\nnonsense\n{{\"url\":\"no url\",\"html\":\"\"}}\n{long}\n{}",
            text()
        );
        std::fs::write(&file, lines).unwrap();
        let mut all = items(file.path(), 0, None);
        assert!(all.by_ref().all(|item| item.is_ok()));
        let counts: Vec<_> = all.counts().iter().collect();
        let expected = [
            ("answers", 20),
            ("malformed_line", 2),
            ("missing_url", 1),
            ("too_large", 1),
        ];
        assert_eq!(counts, expected);
    }

    #[test]
    fn list_of_urls_leaves_out_comments_and_empty_lines() {
        let list = "\u{feff}https://a.org/1\n\n# no\n  https://a.org/2 \r\nhttps://a.org/3";
        let urls: Vec<_> = Urls::new(list.as_bytes())
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(
            urls,
            ["https://a.org/1", "https://a.org/2", "https://a.org/3"]
        );
    }

    #[test]
    fn line_without_end_is_passed_over_without_being_held() {
        let mut reader = BufReader::new(io::repeat(b'x').take(1 << 30));
        let mut line = Vec::new();
        let (end, length) = read_line(&mut reader, &mut line, 1000).unwrap();
        assert_eq!((end, length), (LineEnd::TooLong, 1 << 30));
        assert!(line.capacity() < 100_000);
    }
}
