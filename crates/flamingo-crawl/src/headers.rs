//! Header lines, as WARC records and HTTP answers have them: read leniently, for both are often broken.

use memchr::{memchr, memmem};

/// The end of a block of header lines: where the lines end and where what follows begins.
pub(crate) fn find_end(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = memchr(b'\n', &bytes[from..]) {
        let next = from + at + 1;
        match bytes.get(next..) {
            Some([b'\n', ..]) => return Some(next + 1),
            Some([b'\r', b'\n', ..]) => return Some(next + 2),
            _ => from = next,
        }
    }
    None
}

/// Header lines in their order, the first line (a version or status) not among them.
#[derive(Debug, Default)]
pub(crate) struct Headers<'a> {
    lines: Vec<(&'a [u8], Value<'a>)>,
    /// Whether there were lines that are no headers.
    pub(crate) malformed: bool,
}

#[derive(Debug)]
enum Value<'a> {
    Line(&'a [u8]),
    /// Continued on lines that begin with a blank, which standards no longer allow.
    Folded(Vec<u8>),
}

impl<'a> Headers<'a> {
    /// Reads all lines behind the first.
    pub(crate) fn parse(block: &'a [u8]) -> Self {
        let mut headers = Self::default();
        for line in block.split(|&byte| byte == b'\n').skip(1) {
            headers.push(line);
        }
        headers
    }

    fn push(&mut self, line: &'a [u8]) {
        let text = line.trim_ascii();
        if text.is_empty() {
            return;
        }
        if matches!(line[0], b' ' | b'\t') {
            match self.lines.last_mut() {
                Some((_, value)) => value.fold(text),
                None => self.malformed = true,
            }
            return;
        }
        match memchr(b':', line) {
            Some(colon) if colon > 0 => {
                let (name, value) = (&line[..colon], &line[colon + 1..]);
                let value = Value::Line(value.trim_ascii());
                self.lines.push((name.trim_ascii(), value));
            }
            _ => self.malformed = true,
        }
    }

    /// The values of a header, whatever the case of its name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let is_it = move |line: &&(&[u8], Value<'_>)| line.0.eq_ignore_ascii_case(name.as_bytes());
        self.lines.iter().filter(is_it).map(|line| line.1.bytes())
    }

    /// The first value of a header.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The first value of a header as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(text)
    }

    /// The first value of a header as a length; `None` also for what is no number.
    pub(crate) fn length(&self, name: &str) -> Option<u64> {
        std::str::from_utf8(self.get(name)?).ok()?.parse().ok()
    }
}

impl Value<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Line(line) => line,
            Self::Folded(lines) => lines,
        }
    }

    fn fold(&mut self, line: &[u8]) {
        let folded = match std::mem::replace(self, Self::Line(b"")) {
            Self::Line(first) => [first, b" ", line].concat(),
            Self::Folded(mut lines) => {
                lines.push(b' ');
                lines.extend_from_slice(line);
                lines
            }
        };
        *self = Self::Folded(folded);
    }
}

/// A value's characters: UTF-8 if it is, else latin-1, as headers used to be.
pub(crate) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// The media type of a `Content-Type` in lower case, and its charset.
pub(crate) fn media_type(value: &str) -> (Option<String>, Option<String>) {
    let mut parts = value.split(';');
    let media = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']).trim();
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then(|| value.to_owned())
    });
    ((!media.is_empty()).then_some(media), charset)
}

/// The first line of a block, without its end.
pub(crate) fn first_line(block: &[u8]) -> &[u8] {
    let end = memchr(b'\n', block).unwrap_or(block.len());
    block[..end].trim_ascii_end()
}

/// Where the next line begins that a WARC record may begin with.
pub(crate) fn find_version(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    memmem::find_iter(rest, b"WARC/")
        .map(|at| from + at)
        .find(|&at| is_version(bytes, at))
}

fn is_version(bytes: &[u8], at: usize) -> bool {
    let begins_line = at == 0 || bytes[at - 1] == b'\n';
    begins_line && bytes.get(at + 5).is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_however_they_end_and_fold() {
        let block = b"HTTP/1.1 200 OK\r\nA: 1\nb :  two \r\n\tand three\r\n and four\r\nno colon\r\n: x\r\nA: 5\r\n\r\n";
        let headers = Headers::parse(block);
        assert_eq!(headers.all("a").collect::<Vec<_>>(), [b"1", b"5"]);
        assert_eq!(headers.text("B").as_deref(), Some("two and three and four"));
        assert_eq!(headers.length("a"), Some(1));
        assert_eq!(headers.length("b"), None);
        assert!(headers.malformed);
        assert!(!Headers::parse(b"x\r\nA: 1\r\n\r\n").malformed);
        assert_eq!(first_line(block), b"HTTP/1.1 200 OK");
    }

    #[test]
    fn block_ends_at_the_first_empty_line_of_either_kind() {
        assert_eq!(find_end(b"a\r\nb\r\n\r\nbody"), Some(8));
        assert_eq!(find_end(b"a\nb\n\nbody"), Some(5));
        assert_eq!(find_end(b"a\nb\n\r\nbody"), Some(6));
        assert_eq!(find_end(b"a\r\nb\r\n\r"), None);
        assert_eq!(find_end(b""), None);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_latin_1() {
        assert_eq!(text("é".as_bytes()), "é");
        assert_eq!(text(b"\xe9"), "é");
    }

    #[test]
    fn media_type_and_charset_are_told_apart_in_any_spelling() {
        let of = |value: &str| media_type(value);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            of("Text/HTML; Charset=\"UTF-8\""),
            (some("text/html"), some("UTF-8"))
        );
        assert_eq!(
            of("text/html;level=1;charset = latin1 "),
            (some("text/html"), some("latin1"))
        );
        assert_eq!(of("image/png"), (some("image/png"), None));
        assert_eq!(of(" ; charset="), (None, None));
    }

    #[test]
    fn version_is_found_only_where_a_line_begins() {
        assert_eq!(find_version(b"x WARC/1.0\r\n\nWARC/1.1", 0), Some(13));
        assert_eq!(find_version(b"WARC/1.0 WARC/1.0", 1), None);
        assert_eq!(find_version(b"WARC/x\nWARC/1", 0), Some(7));
        assert_eq!(find_version(b"\nWARC/", 0), None);
    }
}
