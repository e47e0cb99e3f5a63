//! A URL of a list on its way to an answer, and what kind of answer is wanted.

use url::Url;

use super::request::Wanted;
use super::spool::Member;

/// What a list leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// HTML.
    Pages,
    /// Anything that may be a picture.
    Images,
}

/// A URL of the list on its way to an answer.
#[derive(Debug)]
pub(super) struct Visit {
    /// Its place in the list.
    pub(super) place: usize,
    /// What is asked for now, after redirects.
    pub(super) url: Url,
    /// The records that were stored for it.
    pub(super) members: Vec<Member>,
    /// How many led to it.
    pub(super) redirects: u32,
    /// Whether it is asked for a second time.
    pub(super) retried: bool,
}

impl Visit {
    pub(super) fn new(place: usize, url: Url) -> Self {
        Self {
            place,
            url,
            members: Vec::new(),
            redirects: 0,
            retried: false,
        }
    }

    /// The name under which turns are taken: whatever the scheme and port, it is one server.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

impl Content {
    /// What requests say of it.
    pub(super) fn wanted(self) -> Wanted {
        match self {
            Self::Pages => Wanted {
                accept: "text/html, application/xhtml+xml;q=0.9, */*;q=0.1",
                encoding: "gzip",
            },
            Self::Images => Wanted {
                accept: "image/*, */*;q=0.1",
                encoding: "identity",
            },
        }
    }

    /// Whether an answer of this type may be what is wanted; servers that name none are believed.
    pub(super) fn wants(self, media_type: Option<&str>) -> bool {
        let Some(name) = media_type else { return true };
        match self {
            Self::Pages => matches!(name, "text/html" | "application/xhtml+xml"),
            Self::Images => {
                name.starts_with("image/")
                    || matches!(name, "application/octet-stream" | "binary/octet-stream")
            }
        }
    }
}
