//! Lists of URLs: one a line, or a line of JSON that has a `url`.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::{fs::File, io::BufReader};

use serde::Deserialize;
use url::Url;

use crate::{Error, Result};

/// A longer line is no URL that a server takes; the rest of it is passed over.
const MAX_LINE: u64 = 16 << 10;

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// A URL that can be fetched, without its fragment.
    Url(Url),
    /// A line that names none: not a URL, or not one of `http` or `https`.
    Unusable,
}

/// The lines of a list, in order; empty ones and those that begin with `#` are left out.
#[derive(Debug)]
pub struct UrlList<R> {
    name: PathBuf,
    lines: R,
}

impl UrlList<BufReader<File>> {
    /// Opens a list.
    ///
    /// # Errors
    ///
    /// Where the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path.display()))?;
        Ok(Self::new(path, BufReader::new(file)))
    }
}

impl<R: BufRead> UrlList<R> {
    /// A list whose lines come from `lines`; errors call it `name`.
    pub fn new(name: impl Into<PathBuf>, lines: R) -> Self {
        Self { name: name.into(), lines }
    }

    /// Reads a line, cut at its limit; false at the end of the list.
    fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        io::Read::take(&mut self.lines, MAX_LINE).read_until(b'\n', line)?;
        if line.len() as u64 == MAX_LINE && line.last() != Some(&b'\n') {
            self.lines.skip_until(b'\n')?;
        }
        Ok(!line.is_empty())
    }
}

impl<R: BufRead> Iterator for UrlList<R> {
    type Item = Result<Listed>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut line = Vec::new();
            match self.read_line(&mut line) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(source) => return Some(Err(Error::io(self.name.display())(source))),
            }
            if line.len() as u64 == MAX_LINE {
                return Some(Ok(Listed::Unusable));
            }
            let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line).trim_ascii();
            if !line.is_empty() && line[0] != b'#' {
                return Some(Ok(listed(line)));
            }
        }
    }
}

fn listed(line: &[u8]) -> Listed {
    let text = match line {
        [b'{', ..] => serde_json::from_slice::<Line>(line).ok().map(|line| line.url),
        _ => std::str::from_utf8(line).ok().map(str::to_owned),
    };
    match text.as_deref().and_then(usable) {
        Some(url) => Listed::Url(url),
        None => Listed::Unusable,
    }
}

/// A line of JSON; what else it says is left alone.
#[derive(Deserialize)]
struct Line {
    url: String,
}

/// `text` as a URL that can be fetched. Names and passwords are not sent to anyone.
pub(super) fn usable(text: &str) -> Option<Url> {
    fetchable(Url::parse(text.trim()).ok()?)
}

/// `url` without what is not sent; none if it has no host that HTTP reaches.
pub(super) fn fetchable(mut url: Url) -> Option<Url> {
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return None;
    }
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(text: &[u8]) -> Vec<Option<String>> {
        let lines = UrlList::new("list", text).map(Result::unwrap);
        lines
            .map(|line| match line {
                Listed::Url(url) => Some(url.to_string()),
                Listed::Unusable => None,
            })
            .collect()
    }

    fn some(url: &str) -> Option<String> {
        Some(url.to_owned())
    }

    #[test]
    fn urls_come_in_order_without_fragment_and_password() {
        let text = b"\xef\xbb\xbfhttp://a.test\r\n\n# a comment\n  https://me:pw@b.test/x?y#z  \nhttp://c.test/last";
        let expected = [some("http://a.test/"), some("https://b.test/x?y"), some("http://c.test/last")];
        assert_eq!(read(text), expected);
    }

    #[test]
    fn lines_of_json_name_their_url() {
        let text = b"{\"url\": \"http://a.test/\", \"id\": 3}\n{\"uri\": \"http://a.test/\"}\n{\"url\": 3}\n";
        assert_eq!(read(text), [some("http://a.test/"), None, None]);
    }

    #[test]
    fn lines_that_are_no_url_are_told_and_passed_over() {
        let mut text = b"ftp://a.test/\nexample.org\n\xff\xfe\nhttp://\ndata:,x\nhttp://".to_vec();
        text.extend(vec![b'a'; 3 * MAX_LINE as usize]);
        text.extend(b"\nhttp://a.test/\n");
        let read = read(&text);
        assert_eq!(read[..6], [const { None }; 6]);
        assert_eq!(read[6..], [some("http://a.test/")]);
    }
}
