//! robots.txt (RFC 9309): what a site lets an agent take.
//!
//! A crawl may hold a site's robots.txt behind its pages or in another file, so texts are collected first
//! ([`RobotsTexts`]) and asked later ([`RobotsIndex`]).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use texting_robots::Robot;
use url::Url;

use crate::Answer;

/// What is behind is not read: the least that RFC 9309 asks for is 500 KiB.
const MAX_BYTES: usize = 512 << 10;
/// A site that asks for more would never be read to its end.
const MAX_DELAY_SECONDS: f32 = 3600.0;

/// The rules of one site for one agent.
pub struct Robots {
    rules: Rules,
}

enum Rules {
    All,
    Nothing,
    Some(Box<Robot>),
}

impl Robots {
    /// Reads a robots.txt for an agent, which is named by its product token (`FlamingoBot`, not
    /// `FlamingoBot/1.0 (+https://...)`). What cannot be read forbids nothing.
    #[must_use]
    pub fn parse(agent: &str, text: &[u8]) -> Self {
        let text = &text[..text.len().min(MAX_BYTES)];
        let rules = match Robot::new(agent, text) {
            Ok(robot) => Rules::Some(Box::new(robot)),
            Err(error) => {
                tracing::debug!("a robots.txt that cannot be read: {error:#}");
                Rules::All
            }
        };
        Self { rules }
    }

    /// What an answer to the request for a robots.txt means (RFC 9309, 2.3.1): there is none where the
    /// client is told that it erred, and nothing may be taken while the server is in trouble.
    #[must_use]
    pub fn from_status(agent: &str, status: u16, text: &[u8]) -> Self {
        match status {
            200..=299 => Self::parse(agent, text),
            500..=599 => Self::nothing(),
            _ => Self::all(),
        }
    }

    /// Allows everything.
    #[must_use]
    pub fn all() -> Self {
        Self { rules: Rules::All }
    }

    /// Allows nothing, as where the site cannot be reached.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            rules: Rules::Nothing,
        }
    }

    /// Whether the agent may take a URL of the site; the longest rule that matches decides.
    #[must_use]
    pub fn allows(&self, url: &str) -> bool {
        match &self.rules {
            Rules::All => true,
            Rules::Nothing => false,
            Rules::Some(robot) => robot.allowed(url),
        }
    }

    /// How long to wait between requests.
    #[must_use]
    pub fn crawl_delay(&self) -> Option<Duration> {
        let Rules::Some(robot) = &self.rules else {
            return None;
        };
        let seconds = robot.delay.filter(|seconds| *seconds >= 0.0)?;
        Some(Duration::from_secs_f32(seconds.min(MAX_DELAY_SECONDS)))
    }
}

impl std::fmt::Debug for Robots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &self.rules {
            Rules::All => "Robots(all)",
            Rules::Nothing => "Robots(nothing)",
            Rules::Some(_) => "Robots(rules)",
        })
    }
}

/// The robots.txt of many sites, the latest of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RobotsTexts(BTreeMap<String, DatedText>);

/// Ordered so that the greatest is the latest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct DatedText {
    date: Option<String>,
    text: String,
}

impl RobotsTexts {
    /// Takes an answer if it is a site's robots.txt, and says whether it was.
    pub fn collect(&mut self, answer: &Answer) -> bool {
        // Most URLs are not parsed for this.
        if !answer.is_success() || !answer.url.ends_with("/robots.txt") {
            return false;
        }
        let Ok(url) = Url::parse(&answer.url) else {
            return false;
        };
        if url.path() != "/robots.txt" || url.query().is_some() {
            return false;
        }
        let text = &answer.body[..answer.body.len().min(MAX_BYTES)];
        self.insert(
            origin(&url),
            DatedText {
                date: answer.date.clone(),
                text: String::from_utf8_lossy(text).into_owned(),
            },
        );
        true
    }

    /// Adds those of another part of the crawl; the order of merging does not matter.
    pub fn merge(&mut self, other: &Self) {
        for (origin, text) in &other.0 {
            self.insert(origin.clone(), text.clone());
        }
    }

    /// How many sites are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no site is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn insert(&mut self, origin: String, text: DatedText) {
        let latest = self.0.entry(origin).or_insert_with(|| text.clone());
        if text > *latest {
            *latest = text;
        }
    }
}

/// The rules of many sites for one agent.
#[derive(Debug, Default)]
pub struct RobotsIndex(BTreeMap<String, Robots>);

impl RobotsIndex {
    /// Reads all texts for an agent's product token.
    #[must_use]
    pub fn new(agent: &str, texts: &RobotsTexts) -> Self {
        let parse = |text: &DatedText| Robots::parse(agent, text.text.as_bytes());
        let sites = texts.0.iter();
        Self(
            sites
                .map(|(site, text)| (site.clone(), parse(text)))
                .collect(),
        )
    }

    /// Whether the agent may take a URL; a site of which nothing is known forbids nothing.
    #[must_use]
    pub fn allows(&self, url: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let site = Url::parse(url).ok().map(|url| origin(&url));
        let robots = site.and_then(|site| self.0.get(&site));
        robots.is_none_or(|robots| robots.allows(url))
    }
}

/// Scheme, host and port: what one robots.txt speaks for.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str = "User-agent: *\nDisallow: /drafts/\nCrawl-delay: 2\n\n\
        User-Agent: FlamingoBot\nDisallow: /*.pdf$\nDisallow: /shop\nAllow: /shop/window\n";

    fn robots(url: &str, date: &str, text: &str) -> Answer {
        Answer {
            date: Some(date.to_owned()),
            ..Answer::new(url, Some("text/plain"), text.as_bytes().to_vec())
        }
    }

    #[test]
    fn own_group_wins_over_everyones_and_the_longest_rule_over_shorter_ones() {
        let ours = Robots::parse("FlamingoBot", TEXT.as_bytes());
        for (url, allowed) in [
            ("https://a.org/drafts/1", true),
            ("https://a.org/paper.pdf", false),
            ("https://a.org/paper.pdf?page=2", true),
            ("https://a.org/shop/till", false),
            ("https://a.org/shop/window/2", true),
        ] {
            assert_eq!(ours.allows(url), allowed, "{url}");
        }
        assert_eq!(ours.crawl_delay(), None);
        let others = Robots::parse("OtherBot", TEXT.as_bytes());
        assert!(!others.allows("https://a.org/drafts/1"));
        assert!(others.allows("https://a.org/shop"));
        assert_eq!(others.crawl_delay(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn missing_file_allows_all_and_a_server_in_trouble_nothing() {
        let allows = |status| {
            Robots::from_status("FlamingoBot", status, b"User-agent: *\nDisallow: /")
                .allows("https://a.org/")
        };
        assert!(!allows(200) && allows(404) && allows(403) && !allows(503));
    }

    #[test]
    fn latest_text_of_a_site_decides_in_whatever_order_they_are_read() {
        let open = robots("https://a.org/robots.txt", "2020-01-01T00:00:00Z", "");
        let closed = robots(
            "https://a.org/robots.txt",
            "2021-01-01T00:00:00Z",
            "User-agent: *\nDisallow: /",
        );
        for order in [[&open, &closed], [&closed, &open]] {
            let mut texts = RobotsTexts::default();
            for answer in order {
                let mut part = RobotsTexts::default();
                assert!(part.collect(answer));
                texts.merge(&part);
            }
            let json = serde_json::to_string(&texts).unwrap();
            let index = RobotsIndex::new("FlamingoBot", &serde_json::from_str(&json).unwrap());
            assert!(!index.allows("https://a.org/x"));
            assert!(
                index.allows("http://a.org/x"),
                "another scheme is another site"
            );
            assert!(index.allows("https://b.org/x"));
        }
    }

    #[test]
    fn only_a_file_at_the_root_that_was_found_is_a_robots_txt() {
        let mut texts = RobotsTexts::default();
        assert!(!texts.collect(&robots("https://a.org/x/robots.txt", "", "")));
        assert!(!texts.collect(&robots("https://a.org/x?/robots.txt", "", "")));
        let mut missing = robots("https://a.org/robots.txt", "", "");
        missing.status = 404;
        assert!(!texts.collect(&missing));
        assert!(texts.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_rules_that_can_be_asked(text: Vec<u8>, path: String) {
            let robots = Robots::parse("FlamingoBot", &text);
            let _ = (robots.allows(&path), robots.crawl_delay());
        }
    }
}
