//! Records of WARC/1.1: what a server answered, and what is said about a URL that got no answer.

use std::io::{self, Write};
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use ureq::http::header::{self, HeaderName};
use ureq::http::{HeaderValue, Version};
use url::Url;

use super::outcome::Outcome;
use super::request::{Answered, Payload};

/// A record before it is compressed.
#[derive(Debug)]
pub(super) struct Record<'a> {
    kind: &'static str,
    content_type: &'static str,
    url: Option<&'a Url>,
    truncated: bool,
    /// The block: what is made up here, and the body behind it.
    head: Vec<u8>,
    body: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    /// What is said about the file.
    pub(super) fn warcinfo(user_agent: &str) -> Self {
        let software = concat!("flamingo-crawl/", env!("CARGO_PKG_VERSION"));
        let lines = format!(
            "software: {software}\r\nformat: WARC File Format 1.1\r\nrobots: obey\r\n\
             http-header-user-agent: {user_agent}\r\n"
        );
        Self::fields("warcinfo", None, lines)
    }

    /// What is said about a URL without an answer of its own.
    pub(super) fn outcome(url: &'a Url, outcome: Outcome) -> Self {
        Self::fields(
            "metadata",
            Some(url),
            format!("fetch-outcome: {}\r\n", outcome.name()),
        )
    }

    /// What was answered.
    pub(super) fn response(url: &'a Url, answered: &'a Answered) -> Self {
        let (body, truncated): (&[u8], _) = match &answered.body {
            Payload::Whole(body) => (body, false),
            Payload::Cut(body) => (body, true),
            Payload::Left => (&[], false),
        };
        Self {
            kind: "response",
            content_type: "application/http;msgtype=response",
            url: Some(url),
            truncated,
            head: http_head(answered, body.len()),
            body: Some(body),
        }
    }

    fn fields(kind: &'static str, url: Option<&'a Url>, lines: String) -> Self {
        Self {
            kind,
            content_type: "application/warc-fields",
            url,
            truncated: false,
            head: lines.into_bytes(),
            body: None,
        }
    }

    /// The record as a gzip member of its own.
    pub(super) fn compress(&self, date: SystemTime) -> io::Result<Vec<u8>> {
        let mut member = GzEncoder::new(Vec::new(), Compression::default());
        member.write_all(self.warc_head(date).as_bytes())?;
        member.write_all(&self.head)?;
        member.write_all(self.body.unwrap_or_default())?;
        member.write_all(b"\r\n\r\n")?;
        member.finish()
    }

    fn warc_head(&self, date: SystemTime) -> String {
        let date = humantime::format_rfc3339_seconds(date).to_string();
        let url = self.url.map(Url::as_str);
        let body = self.body.unwrap_or_default();
        let block_digest = digest(&[&self.head, body]);
        let id = uuid(&[self.kind, url.unwrap_or_default(), &date, &block_digest]);
        let mut lines = vec![
            "WARC/1.1".to_owned(),
            format!("WARC-Type: {}", self.kind),
            format!("WARC-Record-ID: <urn:uuid:{id}>"),
            format!("WARC-Date: {date}"),
        ];
        lines.extend(url.map(|url| format!("WARC-Target-URI: {url}")));
        lines.extend(self.truncated.then(|| "WARC-Truncated: length".to_owned()));
        lines.extend(
            self.body
                .map(|body| format!("WARC-Payload-Digest: {}", digest(&[body]))),
        );
        lines.push(format!("WARC-Block-Digest: {block_digest}"));
        lines.push(format!("Content-Type: {}", self.content_type));
        lines.push(format!(
            "Content-Length: {}\r\n\r\n",
            self.head.len() + body.len()
        ));
        lines.join("\r\n")
    }
}

/// The head of an answer, true to the body that follows it: what the server said about chunks and
/// lengths that are no longer there goes under another name, as crawlers commonly do.
fn http_head(answered: &Answered, body: usize) -> Vec<u8> {
    let version = if answered.version == Version::HTTP_10 {
        "1.0"
    } else {
        "1.1"
    };
    let reason = answered.status.canonical_reason().unwrap_or_default();
    let mut head = format!("HTTP/{version} {} {reason}\r\n", answered.status.as_u16()).into_bytes();
    let length = HeaderValue::from(body);
    for (name, value) in &answered.headers {
        if is_outdated(name, value, &length, &answered.body) {
            head.extend_from_slice(b"x-crawl-");
        }
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    if answered.headers.get(header::CONTENT_LENGTH) != Some(&length) {
        head.extend_from_slice(format!("content-length: {body}\r\n").as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn is_outdated(
    name: &HeaderName,
    value: &HeaderValue,
    length: &HeaderValue,
    body: &Payload,
) -> bool {
    match *name {
        header::TRANSFER_ENCODING => true,
        header::CONTENT_LENGTH => value != length,
        // Nothing is not compressed.
        header::CONTENT_ENCODING => *body == Payload::Left,
        _ => false,
    }
}

fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    format!("sha1:{}", data_encoding::BASE32.encode(&hash.finalize()))
}

/// An identifier that is the same for the same record.
fn uuid(parts: &[&str]) -> String {
    let hash = Sha256::digest(parts.join("\n"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    // Version 8 of RFC 9562: made in a way of one's own.
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Read;
    use std::time::{Duration, UNIX_EPOCH};

    use flate2::read::GzDecoder;
    use ureq::http::{HeaderMap, StatusCode};

    use super::*;

    fn answered(headers: &[(&'static str, &'static str)], body: Payload) -> Answered {
        let pairs = headers.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let headers: HeaderMap = pairs.collect();
        Answered {
            status: StatusCode::OK,
            version: Version::HTTP_11,
            headers,
            body,
        }
    }

    fn written(record: &Record) -> String {
        let member = record
            .compress(UNIX_EPOCH + Duration::from_secs(86_400))
            .unwrap();
        let mut text = String::new();
        GzDecoder::new(&member[..])
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn a_response_is_written_with_the_length_and_digest_of_what_is_there() {
        let url = Url::parse("http://a.test/").unwrap();
        let headers = [
            ("content-type", "text/html"),
            ("transfer-encoding", "chunked"),
        ];
        let answered = answered(&headers, Payload::Whole(b"hello".to_vec()));
        let expected = "WARC/1.1\r\n\
            WARC-Type: response\r\n\
            WARC-Record-ID: <urn:uuid:ID>\r\n\
            WARC-Date: 1970-01-02T00:00:00Z\r\n\
            WARC-Target-URI: http://a.test/\r\n\
            WARC-Payload-Digest: sha1:VL2MMHO4YXUKFWV63YHTWSBM3GXKSQ2N\r\n\
            WARC-Block-Digest: sha1:BLOCK\r\n\
            Content-Type: application/http;msgtype=response\r\n\
            Content-Length: 104\r\n\r\n\
            HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nx-crawl-transfer-encoding: chunked\r\n\
            content-length: 5\r\n\r\nhello\r\n\r\n";
        let text = written(&Record::response(&url, &answered));
        let block = &text[text.find("HTTP/").unwrap()..text.len() - 4];
        let block_digest = digest(&[block.as_bytes()]);
        let date = "1970-01-02T00:00:00Z";
        let id = uuid(&["response", "http://a.test/", date, &block_digest]);
        let expected = expected
            .replace("ID>", &format!("{id}>"))
            .replace("sha1:BLOCK", &block_digest);
        assert_eq!(text, expected);
    }

    #[test]
    fn a_body_that_was_cut_or_left_says_so_and_keeps_what_the_server_said() {
        let url = Url::parse("http://a.test/").unwrap();
        let headers = [("content-length", "9"), ("content-encoding", "gzip")];
        let cut = answered(&headers, Payload::Cut(b"hello".to_vec()));
        let text = written(&Record::response(&url, &cut));
        assert!(text.contains("\r\nWARC-Truncated: length\r\n"));
        assert!(text.contains(
            "\r\nx-crawl-content-length: 9\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n"
        ));
        let left = answered(&headers, Payload::Left);
        let text = written(&Record::response(&url, &left));
        assert!(!text.contains("WARC-Truncated"));
        assert!(text.ends_with(
            "\r\nx-crawl-content-length: 9\r\nx-crawl-content-encoding: gzip\r\ncontent-length: 0\r\n\r\n\r\n\r\n"
        ));
    }

    #[test]
    fn a_length_that_is_true_is_said_once() {
        let url = Url::parse("http://a.test/").unwrap();
        let whole = answered(
            &[("content-length", "5")],
            Payload::Whole(b"hello".to_vec()),
        );
        let text = written(&Record::response(&url, &whole));
        assert_eq!(text.matches("content-length").count(), 1);
    }

    #[test]
    fn a_url_without_an_answer_gets_its_outcome() {
        let url = Url::parse("http://a.test/x").unwrap();
        let text = written(&Record::outcome(&url, Outcome::RobotsTxt));
        assert!(text.starts_with("WARC/1.1\r\nWARC-Type: metadata\r\n"));
        assert!(text.ends_with("\r\n\r\nfetch-outcome: robots_txt\r\n\r\n\r\n"));
        assert!(
            written(&Record::warcinfo("bot (a@b.test)"))
                .contains("http-header-user-agent: bot (a@b.test)\r\n")
        );
    }
}
