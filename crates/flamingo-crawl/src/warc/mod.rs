//! WARC 1.0 and 1.1: a file of records as a stream of items.
//!
//! Compression is told by the bytes: gzip with a member per record or one for all, zstd (with the dictionary
//! of the `.warc.zst` convention), or none. A record lies where its length says, or, where that cannot be,
//! before the next line that begins one; so damage costs the records that it touches.

pub(crate) mod codec;
mod digest;
mod members;
mod raw;
mod reader;
mod record;

use std::io::{self, Read};
use std::sync::Arc;

use url::Url;

use self::members::Members;
use self::raw::Raw;
use self::reader::{Found, Reader, Record};
use self::record::{Head, Kind};
use crate::headers::{media_type, text};
use crate::http::Response;
use crate::source::Source;
use crate::{
    Answer, Counts, Digests, Error, Fault, Item, Place, ReadOptions, Reason, Redirect, Result,
    Revisit, Skipped,
};

/// A file of records.
pub(crate) struct Warc {
    reader: Reader,
    file: Arc<str>,
    start: Option<u64>,
    options: ReadOptions,
}

/// What a file is read from.
pub(crate) struct Input {
    pub(crate) reader: Box<dyn Read + Send>,
    /// A path or URL.
    pub(crate) name: Arc<str>,
    /// Where the WARC begins in that file; `None` if its bytes do not lie there as they are read.
    pub(crate) start: Option<u64>,
    pub(crate) size: Option<u64>,
    /// The frame with which the file begins, if it is read from later on.
    pub(crate) dictionary: Option<Vec<u8>>,
}

impl Warc {
    pub(crate) fn new(input: Input, options: &ReadOptions) -> Result<Self> {
        let name = input.name;
        let open = || -> io::Result<Members> {
            let raw = Raw::new(input.reader, limit(options.max_record));
            Members::new(raw, input.dictionary.as_deref())
        };
        let members = open().map_err(Error::io(&name))?;
        Ok(Self {
            reader: Reader::new(members, options.max_record, input.size),
            file: name,
            start: input.start,
            options: options.clone(),
        })
    }

    fn item(&self, record: Record, counts: &mut Counts) -> Item {
        let content = self.reader.content(&record);
        let place = record.place.zip(self.start);
        let place = place.map(|((offset, length), start)| Place {
            file: Arc::clone(&self.file),
            offset: start + offset,
            length,
        });
        let Record { head, offset, .. } = record;
        let url = head.url.clone();
        let made = self.make(head, content, place, counts);
        made.unwrap_or_else(|reason| {
            Item::Skipped(Skipped {
                reason,
                url,
                offset,
            })
        })
    }

    fn make(
        &self,
        head: Head,
        content: &[u8],
        place: Option<Place>,
        counts: &mut Counts,
    ) -> Result<Item, Reason> {
        match head.kind {
            Kind::Request => return Err(Reason::Request),
            Kind::Warcinfo => return Err(Reason::Warcinfo),
            Kind::Metadata => return Err(Reason::Metadata),
            Kind::Conversion => return Err(Reason::Conversion),
            Kind::Continuation => return Err(Reason::Continuation),
            Kind::Other => return Err(Reason::OtherRecord),
            Kind::Response | Kind::Resource | Kind::Revisit => {}
        }
        let url = Url::parse(head.url.as_deref().unwrap_or_default());
        let url = url.map_err(|_| Reason::MissingUrl)?;
        let item = match head.kind {
            Kind::Revisit => Item::Revisit(Revisit {
                url: url.into(),
                of: head.refers_to,
                digest: head.payload_digest,
                place,
            }),
            Kind::Resource => self.resource(head, url, content, place, counts)?,
            _ => self.response(head, url, content, place, counts)?,
        };
        Ok(item)
    }

    /// A file as it is, without HTTP around it.
    fn resource(
        &self,
        head: Head,
        url: Url,
        content: &[u8],
        place: Option<Place>,
        counts: &mut Counts,
    ) -> Result<Item, Reason> {
        self.check_digests(&head, content, content, None, counts)?;
        let truncated = head.truncated || (content.len() as u64) < head.length;
        if head.truncated {
            counts.fault(Fault::Truncated);
        }
        let (content_type, charset) = media_type(head.content_type.as_deref().unwrap_or_default());
        let body = &content[..content.len().min(limit(self.options.max_body))];
        Ok(Item::Answer(Answer {
            charset,
            date: head.date,
            truncated: truncated || body.len() < content.len(),
            place,
            ..Answer::new(url, content_type.as_deref(), body.to_vec())
        }))
    }

    fn response(
        &self,
        head: Head,
        url: Url,
        content: &[u8],
        place: Option<Place>,
        counts: &mut Counts,
    ) -> Result<Item, Reason> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Reason::OtherRecord);
        }
        let response = Response::parse(content).ok_or(Reason::MalformedHttp)?;
        if response.headers.malformed {
            counts.fault(Fault::BadHeader);
        }
        let dechunked = || response.dechunked();
        self.check_digests(&head, content, response.body, Some(&dechunked), counts)?;
        if head.truncated {
            counts.fault(Fault::Truncated);
        }
        if response.is_redirect() {
            let to = response.location().ok_or(Reason::MissingLocation)?;
            let to = url.join(&text(to)).map_err(|_| Reason::MissingLocation)?;
            return Ok(Item::Redirect(Redirect {
                from: url.into(),
                to: to.into(),
                status: response.status,
                place,
            }));
        }
        let body = response.body(limit(self.options.max_body), |fault| counts.fault(fault));
        let content_type = response.headers.text("Content-Type").unwrap_or_default();
        let (content_type, charset) = media_type(&content_type);
        Ok(Item::Answer(Answer {
            url: url.into(),
            status: response.status,
            content_type,
            charset,
            directives: response.directives(),
            date: head.date,
            body: body.bytes,
            truncated: head.truncated || body.truncated,
            place,
        }))
    }

    /// Compares what the record tells of its bytes, if that was asked for. Crawlers take the payload
    /// with or without its chunks.
    fn check_digests(
        &self,
        head: &Head,
        block: &[u8],
        payload: &[u8],
        dechunked: Option<&dyn Fn() -> Option<Vec<u8>>>,
        counts: &mut Counts,
    ) -> Result<(), Reason> {
        if self.options.digests == Digests::Ignore {
            return Ok(());
        }
        let is_wrong = |digest: &Option<String>, bytes: &[u8]| {
            let digest = digest.as_deref();
            digest.and_then(|digest| digest::matches(digest, bytes)) == Some(false)
        };
        let payload_is_wrong = is_wrong(&head.payload_digest, payload)
            && dechunked
                .and_then(|dechunked| dechunked())
                .is_none_or(|bytes| is_wrong(&head.payload_digest, &bytes));
        if !payload_is_wrong && !is_wrong(&head.block_digest, block) {
            return Ok(());
        }
        if self.options.digests == Digests::Drop {
            return Err(Reason::WrongDigest);
        }
        counts.fault(Fault::WrongDigest);
        Ok(())
    }
}

impl Source for Warc {
    fn next(&mut self, counts: &mut Counts) -> Result<Option<Item>> {
        let found = self.reader.next(counts).map_err(Error::io(&self.file))?;
        Ok(found.map(|found| match found {
            Found::Record(record) => self.item(record, counts),
            Found::Skipped(skipped) => Item::Skipped(skipped),
        }))
    }

    fn bytes_read(&self) -> u64 {
        self.reader.bytes_read()
    }
}

/// A limit as a length in memory.
fn limit(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
