//! An HTTP answer as it went over the wire: its head, and its body without chunks and compression.

use std::borrow::Cow;

use memchr::memchr;

use crate::compress::Encoding;
use crate::headers::{Headers, find_end, first_line};
use crate::{Directives, Fault};

/// A body may be compressed more than once, but no server does it more often than this.
const MAX_ENCODINGS: usize = 4;

/// An answer whose body is still as it was sent.
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) headers: Headers<'a>,
    pub(crate) body: &'a [u8],
}

/// A decoded body.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// Whether something is missing at its end.
    pub(crate) truncated: bool,
}

impl<'a> Response<'a> {
    /// Reads the head; `None` if the first line is not HTTP's.
    pub(crate) fn parse(content: &'a [u8]) -> Option<Self> {
        let status = status(first_line(content))?;
        let end = find_end(content).unwrap_or(content.len());
        Some(Self {
            status,
            headers: Headers::parse(&content[..end]),
            body: &content[end..],
        })
    }

    /// Where a redirect leads, as it was written.
    pub(crate) fn location(&self) -> Option<&[u8]> {
        self.headers.get("Location").filter(|_| self.is_redirect())
    }

    pub(crate) fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }

    pub(crate) fn directives(&self) -> Directives {
        let robots = self.headers.all("X-Robots-Tag").map(crate::headers::text);
        Directives {
            robots: robots.collect(),
            tdm_reservation: self.headers.text("tdm-reservation"),
        }
    }

    /// The body without chunks and compression, and what was wrong with it. A crawler that stored it
    /// decoded may have left the headers as they were.
    pub(crate) fn body(&self, max: usize, mut fault: impl FnMut(Fault)) -> Body {
        let mut body = Cow::Borrowed(self.body);
        let mut truncated = false;
        let mut is_as_sent = true;
        if self.is_chunked() {
            is_as_sent = false;
            let chunks = dechunk(self.body);
            // What does not even begin with a chunk was stored without: recorders take the chunks off and leave the header.
            if let Some(bytes) = chunks.bytes {
                if chunks.is_broken {
                    fault(Fault::BadChunk);
                }
                truncated = chunks.is_broken;
                body = Cow::Owned(bytes);
            }
        }
        let sent = body.len() as u64;
        for encoding in self.encodings().into_iter().rev().take(MAX_ENCODINGS) {
            let Some(decoded) = encoding.decode(&body, max) else {
                if !body.is_empty() {
                    fault(Fault::NotEncoded);
                    is_as_sent = false;
                }
                continue;
            };
            if let Some(wrong) = decoded.fault {
                truncated = true;
                fault(wrong);
            }
            body = Cow::Owned(decoded.bytes);
        }
        let told = self.headers.length("Content-Length");
        if is_as_sent && told.is_some_and(|told| sent < told) {
            truncated = true;
            fault(Fault::ShortBody);
        }
        let mut bytes = body.into_owned();
        if bytes.len() > max {
            bytes.truncate(max);
            truncated = true;
            fault(Fault::Bomb);
        }
        Body { bytes, truncated }
    }

    /// The body without chunks, for its digest; `None` if it has none.
    pub(crate) fn dechunked(&self) -> Option<Vec<u8>> {
        self.is_chunked().then(|| dechunk(self.body).bytes)?
    }

    fn is_chunked(&self) -> bool {
        words(&self.headers, "Transfer-Encoding").any(|word| word.eq_ignore_ascii_case(b"chunked"))
    }

    /// The encodings in the order in which they were applied.
    fn encodings(&self) -> Vec<Encoding> {
        let names = ["Content-Encoding", "Transfer-Encoding"];
        let words = names
            .into_iter()
            .flat_map(|name| words(&self.headers, name));
        words.filter_map(encoding).collect()
    }
}

fn words<'h>(headers: &'h Headers<'_>, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
    let values = headers.all(name);
    values.flat_map(|value| value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii))
}

fn encoding(name: &[u8]) -> Option<Encoding> {
    let name = name.to_ascii_lowercase();
    match name.as_slice() {
        b"gzip" | b"x-gzip" => Some(Encoding::Gzip),
        b"deflate" | b"x-deflate" => Some(Encoding::Deflate),
        b"br" => Some(Encoding::Brotli),
        b"zstd" => Some(Encoding::Zstd),
        _ => None,
    }
}

/// The status of `HTTP/1.1 200 OK`.
fn status(line: &[u8]) -> Option<u16> {
    let version = line.get(..5)?;
    if !version.eq_ignore_ascii_case(b"HTTP/") {
        return None;
    }
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let word = std::str::from_utf8(words.nth(1)?).ok()?;
    let status = word.parse().ok()?;
    (100..1000).contains(&status).then_some(status)
}

struct Chunks {
    /// `None` if the body does not begin with a chunk.
    bytes: Option<Vec<u8>>,
    /// Whether the last chunk is missing.
    is_broken: bool,
}

fn dechunk(mut rest: &[u8]) -> Chunks {
    let mut bytes = None;
    loop {
        let Some((size, data)) = chunk_head(rest) else {
            return Chunks {
                bytes,
                is_broken: true,
            };
        };
        // A first line of a text may read as a size, but nothing ends there.
        let ends = |behind: &[u8]| {
            behind.is_empty() || behind.starts_with(b"\r") || behind.starts_with(b"\n")
        };
        let is_text =
            usize::try_from(size).is_ok_and(|size| size > 0 && !data.get(size..).is_none_or(ends));
        if bytes.is_none() && is_text {
            return Chunks {
                bytes: None,
                is_broken: true,
            };
        }
        let bytes = bytes.get_or_insert_with(|| Vec::with_capacity(rest.len()));
        if size == 0 {
            let bytes = Some(std::mem::take(bytes));
            return Chunks {
                bytes,
                is_broken: false,
            };
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        bytes.extend_from_slice(&data[..size.min(data.len())]);
        rest = data.get(size..).unwrap_or_default();
        rest = rest.strip_prefix(b"\r").unwrap_or(rest);
        rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    }
}

/// The size of the chunk that begins here, and the bytes behind its first line.
fn chunk_head(bytes: &[u8]) -> Option<(u64, &[u8])> {
    // A size and its extensions are short; what is longer is not one.
    let end = memchr(b'\n', &bytes[..bytes.len().min(1024)])?;
    let line = &bytes[..end];
    let digits = line.split(|&byte| byte == b';').next()?.trim_ascii();
    let digits = std::str::from_utf8(digits).ok()?;
    let size = u64::from_str_radix(digits, 16).ok()?;
    Some((size, &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MAX: usize = 10_000;

    /// The body of an answer, whether something is missing, and the faults.
    fn body(content: &[u8]) -> (Vec<u8>, bool, Vec<Fault>) {
        let mut faults = Vec::new();
        let response = Response::parse(content).unwrap();
        let body = response.body(MAX, |fault| faults.push(fault));
        (body.bytes, body.truncated, faults)
    }

    fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 200 OK\r\n{headers}\r\n").as_bytes(), body].concat()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn status_is_read_from_sloppy_lines_and_from_no_other() {
        let status = |line: &str| Response::parse(line.as_bytes()).map(|response| response.status);
        assert_eq!(status("HTTP/1.1 200 OK\r\n\r\n"), Some(200));
        assert_eq!(status("http/1.0  404\n\n"), Some(404));
        assert_eq!(status("HTTP/2 301"), Some(301));
        for line in ["HTTP/1.1 OK 200", "HTTP/1.1 99 x", "HTTP/1.1", "<html>", ""] {
            assert_eq!(status(line), None, "{line}");
        }
    }

    #[test]
    fn plain_body_is_what_follows_the_head() {
        let whole = answer("Content-Length: 3\r\n", b"a\r\n");
        assert_eq!(body(&whole), (b"a\r\n".to_vec(), false, vec![]));
        assert_eq!(
            body(b"HTTP/1.1 204 No\r\nA: b\r\n"),
            (vec![], false, vec![])
        );
    }

    #[test]
    fn body_shorter_than_told_is_truncated() {
        let (bytes, truncated, faults) = body(&answer("Content-Length: 9\r\n", b"abc"));
        assert_eq!(
            (bytes.len(), truncated, faults),
            (3, true, vec![Fault::ShortBody])
        );
    }

    #[test]
    fn chunks_are_joined_with_extensions_and_trailers() {
        let chunked = answer(
            "Transfer-Encoding: Chunked\r\nContent-Length: 999\r\n",
            b"4;x=y\r\nWiki\r\n 05 \npedia\n0\r\nTrailer: x\r\n\r\n",
        );
        assert_eq!(body(&chunked), (b"Wikipedia".to_vec(), false, vec![]));
    }

    #[test]
    fn broken_chunks_keep_what_is_there() {
        for broken in [
            &b"4\r\nWiki\r\nzz\r\nrest"[..],
            b"4\r\nWiki\r\n",
            b"ffffffffffffffff\r\nWiki",
            b"400\r\nWiki",
        ] {
            let (bytes, truncated, faults) =
                body(&answer("Transfer-Encoding: chunked\r\n", broken));
            assert_eq!(
                (bytes.as_slice(), truncated),
                (&b"Wiki"[..], true),
                "{broken:?}"
            );
            assert_eq!(faults, [Fault::BadChunk]);
        }
    }

    #[test]
    fn body_that_only_claims_to_be_chunked_or_compressed_is_kept() {
        let page = b"<!doctype html>\n<p>x";
        let (bytes, truncated, faults) = body(&answer(
            "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\nContent-Length: 900\r\n",
            page,
        ));
        assert_eq!((bytes.as_slice(), truncated), (&page[..], false));
        assert_eq!(faults, [Fault::NotEncoded]);
    }

    #[test]
    fn body_without_its_chunks_is_whole_even_if_its_first_line_reads_as_a_size() {
        for stored in [&b"{\"a\": 1}"[..], b"2\nand more\n", b"add\r\n", b""] {
            let (bytes, truncated, faults) =
                body(&answer("Transfer-Encoding: chunked\r\n", stored));
            let is_size = stored.starts_with(b"add");
            assert_eq!(
                (bytes.as_slice(), truncated),
                (if is_size { &b""[..] } else { stored }, is_size)
            );
            assert_eq!(faults.is_empty(), !is_size, "{stored:?}");
        }
    }

    #[test]
    fn stacked_encodings_are_taken_off_in_reverse() {
        let packed = gzip(&zstd::bulk::compress(b"<p>x", 3).unwrap());
        let length = packed.len();
        let headers = format!("Content-Encoding: zstd, x-GZIP\r\nContent-Length: {length}\r\n");
        assert_eq!(
            body(&answer(&headers, &packed)),
            (b"<p>x".to_vec(), false, vec![])
        );
    }

    #[test]
    fn encodings_that_the_crawler_took_off_are_not_taken_off_again() {
        let stored = answer(
            "X-Crawler-Content-Encoding: gzip\r\nX-Crawler-Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
            b"<p>x",
        );
        assert_eq!(body(&stored), (b"<p>x".to_vec(), false, vec![]));
    }

    #[test]
    fn bomb_is_cut_at_the_limit() {
        let packed = gzip(&vec![b'a'; MAX * 50]);
        let (bytes, truncated, faults) = body(&answer("Content-Encoding: gzip\r\n", &packed));
        assert_eq!(
            (bytes.len(), truncated, faults),
            (MAX, true, vec![Fault::Bomb])
        );
    }

    #[test]
    fn only_redirects_have_a_location() {
        let to = |status: &str| {
            let content = format!("HTTP/1.1 {status}\r\nLocation: /x\r\n\r\n");
            Response::parse(content.as_bytes())
                .unwrap()
                .location()
                .map(<[u8]>::to_vec)
        };
        assert_eq!(to("302 Found"), Some(b"/x".to_vec()));
        assert_eq!(to("201 Created"), None);
    }
}
