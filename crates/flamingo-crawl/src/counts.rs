//! Numbers of things by name, which add up over files and survive in reports.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Reason;

/// How often each named thing was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<Cow<'static, str>, u64>);

impl Counts {
    /// Adds `count` things of a name; zero leaves no trace.
    pub fn add(&mut self, name: &'static str, count: u64) {
        if count > 0 {
            *self.0.entry(Cow::Borrowed(name)).or_default() += count;
        }
    }

    /// Adds one record that gave no answer.
    pub fn skip(&mut self, reason: Reason) {
        self.add(reason.name(), 1);
    }

    /// Adds one answer that was kept in spite of a fault.
    pub fn fault(&mut self, fault: Fault) {
        self.add(fault.name(), 1);
    }

    /// How many things of a name were seen.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Adds all of the other's numbers.
    pub fn merge(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name.clone()).or_default() += count;
        }
    }

    /// Names and numbers, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, &count)| (name.as_ref(), count))
    }
}

/// What is wrong with an answer that is used all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The crawler says that it did not keep the whole body.
    Truncated,
    /// A record's `Content-Length` is not the length of what lies there.
    WrongLength,
    /// The body is shorter than the server said.
    ShortBody,
    /// The chunks of a body end before their end.
    BadChunk,
    /// A compressed body breaks off; what came before is kept.
    BadEncoding,
    /// A body that is not compressed as its header says; it is kept as it lies there.
    NotEncoded,
    /// A compressed body grows beyond the limit, where it is cut.
    Bomb,
    /// The digest in the record is not that of its bytes.
    WrongDigest,
    /// A record without a version, or with one that is unknown.
    UnknownVersion,
    /// A header line without a colon, or otherwise unreadable.
    BadHeader,
}

impl Fault {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::WrongLength => "wrong_length",
            Self::ShortBody => "short_body",
            Self::BadChunk => "bad_chunk",
            Self::BadEncoding => "bad_encoding",
            Self::NotEncoded => "not_encoded",
            Self::Bomb => "bomb",
            Self::WrongDigest => "wrong_digest",
            Self::UnknownVersion => "unknown_version",
            Self::BadHeader => "bad_header",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn counts_add_up_and_survive_json() {
        let mut first = Counts::default();
        first.skip(Reason::Request);
        first.add("never", 0);
        let mut second = first.clone();
        second.fault(Fault::Bomb);
        second.merge(&first);
        assert_eq!(
            second.iter().collect::<Vec<_>>(),
            [("bomb", 1), ("request", 2)]
        );
        let json = serde_json::to_string(&second).unwrap();
        assert_eq!(json, r#"{"bomb":1,"request":2}"#);
        assert_eq!(serde_json::from_str::<Counts>(&json).unwrap(), second);
    }
}
