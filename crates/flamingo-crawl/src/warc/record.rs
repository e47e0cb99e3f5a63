//! The head of a WARC record: what it is and how long it is.

use crate::headers::{Headers, first_line, text};
use crate::{Counts, Fault};

/// What kind of record it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Response,
    Resource,
    Revisit,
    Request,
    Warcinfo,
    Metadata,
    Conversion,
    Continuation,
    Other,
}

/// What a record's header lines say, as far as someone asks.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) length: u64,
    pub(super) url: Option<String>,
    pub(super) date: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) block_digest: Option<String>,
    pub(super) payload_digest: Option<String>,
    pub(super) refers_to: Option<String>,
    pub(super) truncated: bool,
}

impl Head {
    /// Reads a head; `None` if it tells no type or no length.
    pub(super) fn parse(block: &[u8], counts: &mut Counts) -> Option<Self> {
        if !matches!(first_line(block), b"WARC/1.0" | b"WARC/1.1") {
            counts.fault(Fault::UnknownVersion);
        }
        let headers = Headers::parse(block);
        if headers.malformed {
            counts.fault(Fault::BadHeader);
        }
        let length = headers.length("Content-Length")?;
        let url = headers.get("WARC-Target-URI").map(url_text);
        Some(Self {
            kind: kind(headers.get("WARC-Type")?),
            length,
            url,
            date: headers.text("WARC-Date"),
            content_type: headers.text("Content-Type"),
            block_digest: headers.text("WARC-Block-Digest"),
            payload_digest: headers.text("WARC-Payload-Digest"),
            refers_to: headers.get("WARC-Refers-To-Target-URI").map(url_text),
            truncated: headers.get("WARC-Truncated").is_some(),
        })
    }
}

fn kind(name: &[u8]) -> Kind {
    let kinds = [
        ("response", Kind::Response),
        ("request", Kind::Request),
        ("resource", Kind::Resource),
        ("revisit", Kind::Revisit),
        ("metadata", Kind::Metadata),
        ("warcinfo", Kind::Warcinfo),
        ("conversion", Kind::Conversion),
        ("continuation", Kind::Continuation),
    ];
    let found = kinds
        .iter()
        .find(|kind| name.eq_ignore_ascii_case(kind.0.as_bytes()));
    found.map_or(Kind::Other, |kind| kind.1)
}

/// A URL, which WARC 1.0's grammar, but not its examples, put into angle brackets.
fn url_text(value: &[u8]) -> String {
    let inner = value
        .strip_prefix(b"<")
        .and_then(|value| value.strip_suffix(b">"));
    text(inner.unwrap_or(value))
}
