//! A turn at a host: what is done in it, and what comes of it.

use std::time::Duration;

use url::Url;

use super::outcome::{FetchReport, Outcome};
use super::schedule::Task;
use super::sites::robots_url;
use super::spool::Member;
use super::visit::Visit;

/// What is done in one turn at a host.
#[derive(Debug)]
pub(super) enum Step {
    /// Its robots.txt is asked for.
    Robots {
        /// Where it lies.
        url: Url,
        /// Whether this is the second try.
        retried: bool,
    },
    /// A URL is asked for.
    Visit(Visit),
}

impl Step {
    /// The robots.txt that speaks for `url`.
    pub(super) fn robots_of(url: &Url) -> Self {
        Self::Robots {
            url: robots_url(url),
            retried: false,
        }
    }
}

impl Task for Step {
    /// What robots.txt says counts for all that follows at the host.
    fn alone(&self) -> bool {
        matches!(self, Self::Robots { .. })
    }
}

/// What came of a turn.
#[derive(Debug)]
pub(super) struct Turn {
    /// How the host took it.
    pub(super) contact: Contact,
    /// What was done.
    pub(super) report: FetchReport,
    /// What follows.
    pub(super) then: Then,
}

impl Turn {
    /// A turn in which the host was asked nothing.
    pub(super) fn unasked(then: Then) -> Self {
        Self {
            contact: Contact::None,
            report: FetchReport::default(),
            then,
        }
    }

    /// The host failed, and is left alone for `rest` at least.
    pub(super) fn failed(&mut self, rest: Duration) {
        self.contact = match self.contact {
            Contact::None => Contact::Failed(rest),
            Contact::Answered(before) | Contact::Failed(before) => {
                Contact::Failed(before.max(rest))
            }
        };
    }
}

/// Whether a host was asked, and how long it is left alone then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contact {
    /// It was not asked.
    None,
    /// It answered.
    Answered(Duration),
    /// It gave no answer, or one that tells of trouble.
    Failed(Duration),
}

impl Contact {
    /// How long the host is left alone.
    pub(super) fn rest(self) -> Option<Duration> {
        match self {
            Self::None => None,
            Self::Answered(rest) | Self::Failed(rest) => Some(rest),
        }
    }
}

/// What follows a turn.
#[derive(Debug)]
pub(super) enum Then {
    /// Nothing.
    Nothing,
    /// The answer to a robots.txt is kept, under its origin.
    Robots(String, Member),
    /// The URL has found its end.
    Settled(Visit, Outcome),
    /// The URL leads to another.
    Onward(Visit),
    /// The host is to do this next.
    First(Vec<Step>),
    /// The URL is tried again after the host's others.
    Again(Visit),
    /// The host is asked nothing more for so long.
    Closed(Visit, Duration),
}
