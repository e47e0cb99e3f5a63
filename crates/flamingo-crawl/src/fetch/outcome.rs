//! What becomes of a URL, by name, and the numbers of it.

use serde::{Deserialize, Serialize};

use crate::{Counts, Refusal};

/// What became of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It was answered with 2xx, and the answer is stored.
    Fetched,
    /// As before, but only the beginning of a body beyond the limit.
    Cut,
    /// It was answered with 404 or 410.
    NotFound,
    /// It was answered with another 4xx.
    ClientError,
    /// It was answered with 5xx, twice.
    ServerError,
    /// The host asked to be left alone, twice or for longer than is waited.
    HostBusy,
    /// The host is not asked any more, as it wants that or fails too often.
    HostClosed,
    /// It was answered with another status that tells of no content.
    NoContent,
    /// It is of another type than is wanted.
    UnwantedType,
    /// The words of its headers keep it from being used.
    Refused(Refusal),
    /// The host's robots.txt keeps it from being asked for, or could not be read for now.
    RobotsTxt,
    /// An opt-out list covers it.
    OptOut,
    /// The host lies in a private network.
    PrivateAddress,
    /// It is none that can be asked for.
    UnusableUrl,
    /// It is in the list once more.
    Repeated,
    /// The host has no address.
    HostNotFound,
    /// No connection, or one that broke off, twice.
    ConnectionFailed,
    /// No whole answer in time, twice.
    TimedOut,
    /// What came is not HTTP.
    MalformedAnswer,
    /// It leads on further than is followed, or in a circle.
    TooManyRedirects,
    /// It leads to nothing that can be asked for.
    MissingLocation,
}

impl Outcome {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::Cut => "cut",
            Self::NotFound => "not_found",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::HostBusy => "host_busy",
            Self::HostClosed => "host_closed",
            Self::NoContent => "no_content",
            Self::UnwantedType => "unwanted_type",
            Self::Refused(refusal) => refused_name(refusal),
            Self::RobotsTxt => "robots_txt",
            Self::OptOut => "opt_out",
            Self::PrivateAddress => "private_address",
            Self::UnusableUrl => "unusable_url",
            Self::Repeated => "repeated",
            Self::HostNotFound => "host_not_found",
            Self::ConnectionFailed => "connection_failed",
            Self::TimedOut => "timed_out",
            Self::MalformedAnswer => "malformed_answer",
            Self::TooManyRedirects => "too_many_redirects",
            Self::MissingLocation => "missing_location",
        }
    }

    /// Whether the last answer is stored, or at least its head.
    pub(super) fn has_answer(self) -> bool {
        matches!(
            self,
            Self::Fetched
                | Self::Cut
                | Self::NotFound
                | Self::ClientError
                | Self::ServerError
                | Self::NoContent
                | Self::UnwantedType
                | Self::Refused(_)
        )
    }

    /// Whether another try may end otherwise.
    pub(super) fn is_transient(self) -> bool {
        matches!(
            self,
            Self::ServerError | Self::HostBusy | Self::ConnectionFailed | Self::TimedOut
        )
    }
}

fn refused_name(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NoAi => "noai_header",
        Refusal::NoImageAi => "noimageai_header",
        Refusal::NoIndex => "noindex_header",
        Refusal::TdmReservation => "tdm_reservation_header",
    }
}

/// What came of a list of URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FetchReport {
    /// How many URLs had each outcome; together they are all of the list.
    pub outcomes: Counts,
    /// Requests for URLs of the list and for what they lead to.
    pub requests: u64,
    /// Those of them that were a second try.
    pub retries: u64,
    /// Those of them that led elsewhere.
    pub redirects: u64,
    /// Requests for robots.txt.
    pub robots_requests: u64,
    /// Host names that were looked up.
    pub lookups: u64,
    /// Bytes of bodies that were stored.
    pub bytes: u64,
}

impl FetchReport {
    /// Adds the numbers of another list.
    pub fn merge(&mut self, other: &Self) {
        self.outcomes.merge(&other.outcomes);
        self.requests += other.requests;
        self.retries += other.retries;
        self.redirects += other.redirects;
        self.robots_requests += other.robots_requests;
        self.lookups += other.lookups;
        self.bytes += other.bytes;
    }
}
