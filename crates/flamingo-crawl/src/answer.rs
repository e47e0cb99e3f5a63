//! What a crawl holds: answers of servers, what points to them, and what gives none.

use std::sync::Arc;

use crate::Directives;

/// A server's answer, its body as a browser would see it: neither chunked nor compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The URL that was asked for.
    pub url: String,
    /// The status, 200 for what lies in files of its own.
    pub status: u16,
    /// The media type in lower case, without parameters.
    pub content_type: Option<String>,
    /// The charset that the header names.
    pub charset: Option<String>,
    /// What its headers say about being used.
    pub directives: Directives,
    /// When it was fetched, as the source writes it.
    pub date: Option<String>,
    /// The decoded body.
    pub body: Vec<u8>,
    /// Whether something is missing at the end of the body.
    pub truncated: bool,
    /// Where it can be read again alone; `None` in a file that can only be read from its start.
    pub place: Option<Place>,
}

impl Answer {
    /// A body of a media type for a URL, with nothing else known.
    #[must_use]
    pub fn new(url: impl Into<String>, content_type: Option<&str>, body: Vec<u8>) -> Self {
        Self {
            url: url.into(),
            status: 200,
            content_type: content_type.map(str::to_owned),
            charset: None,
            directives: Directives::default(),
            date: None,
            body,
            truncated: false,
            place: None,
        }
    }

    /// Whether the server says that it answered what was asked.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The bytes of a file that hold one record, or of a whole file that is one answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// A path or URL.
    pub file: Arc<str>,
    /// Where the record's first (compressed) byte lies.
    pub offset: u64,
    /// How many (compressed) bytes it has.
    pub length: u64,
}

/// A server's word that what was asked for lies elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The URL that was asked for.
    pub from: String,
    /// The absolute URL to ask instead.
    pub to: String,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
    /// Where the record lies.
    pub place: Option<Place>,
}

/// A record that says: the same bytes as an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revisit {
    /// The URL that was asked for.
    pub url: String,
    /// The URL of the record that has the bytes; `None` if only their digest is told.
    pub of: Option<String>,
    /// The digest of the bytes, as the record writes it.
    pub digest: Option<String>,
    /// Where the record lies.
    pub place: Option<Place>,
}

/// A record, or bytes where one should be, that gives no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Why.
    pub reason: Reason,
    /// The URL, if the record got as far as telling it.
    pub url: Option<String>,
    /// Where it begins in its file.
    pub offset: u64,
}

/// One thing that a crawl holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An answer with a body, whatever its status.
    Answer(Answer),
    /// A pointer to another URL.
    Redirect(Redirect),
    /// A pointer to an earlier answer.
    Revisit(Revisit),
    /// Nothing of use, for a named reason.
    Skipped(Skipped),
}

impl Item {
    /// A part of a file that is read as a whole, passed over.
    pub(crate) fn skipped(reason: Reason, url: Option<String>) -> Self {
        Self::Skipped(Skipped {
            reason,
            url,
            offset: 0,
        })
    }
}

/// Why something gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// What the crawler asked.
    Request,
    /// What the crawler says about its file.
    Warcinfo,
    /// What the crawler says about a record.
    Metadata,
    /// Another form of a record.
    Conversion,
    /// The rest of a record that was split.
    Continuation,
    /// A record of an unknown type, or an answer of another protocol than HTTP.
    OtherRecord,
    /// A record longer than the limit; it was passed over without being held.
    TooLarge,
    /// A record that its file ends in.
    Clipped,
    /// Compressed bytes that do not decode, or not to what their checksum says.
    DamagedCompression,
    /// Bytes between records.
    Garbage,
    /// A record's headers that say neither its type nor its length.
    MalformedRecord,
    /// A record without a URL, or with none that parses.
    MissingUrl,
    /// A response whose first line is not HTTP's.
    MalformedHttp,
    /// A redirect without a place to go, or to none that parses.
    MissingLocation,
    /// Bytes that are not those whose digest the record tells, where this was asked to matter.
    WrongDigest,
    /// A line of JSON without `url` and `html`.
    MalformedLine,
    /// A file of a folder that cannot be read.
    Unreadable,
    /// A URL that could not be fetched.
    NotFetched,
    /// An answer whose body was not kept.
    NoBody,
    /// A page within a page.
    Frame,
    /// A file that should hold answers (MHTML, HAR) and cannot be taken apart.
    MalformedArchive,
}

impl Reason {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Warcinfo => "warcinfo",
            Self::Metadata => "metadata",
            Self::Conversion => "conversion",
            Self::Continuation => "continuation",
            Self::OtherRecord => "other_record",
            Self::TooLarge => "too_large",
            Self::Clipped => "clipped",
            Self::DamagedCompression => "damaged_compression",
            Self::Garbage => "garbage",
            Self::MalformedRecord => "malformed_record",
            Self::MissingUrl => "missing_url",
            Self::MalformedHttp => "malformed_http",
            Self::MissingLocation => "missing_location",
            Self::WrongDigest => "dropped_wrong_digest",
            Self::MalformedLine => "malformed_line",
            Self::Unreadable => "unreadable",
            Self::NotFetched => "not_fetched",
            Self::NoBody => "no_body",
            Self::Frame => "frame",
            Self::MalformedArchive => "malformed_archive",
        }
    }

    /// Whether something was lost, and not only nothing found.
    #[must_use]
    pub fn is_damage(self) -> bool {
        !matches!(
            self,
            Self::Request
                | Self::Warcinfo
                | Self::Metadata
                | Self::Conversion
                | Self::Continuation
                | Self::OtherRecord
                | Self::Frame
        )
    }
}
