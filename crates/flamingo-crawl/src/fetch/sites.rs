//! What the robots.txt of each site said, kept for a while and within a bound of memory.

use std::collections::{HashMap, VecDeque};
use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::http::header;
use url::Url;

use super::outcome::Outcome;
use super::request::{Answered, Client, Payload, Take, Wanted, location};
use super::target::fetchable;
use crate::{Robots, gunzip};

/// Bytes of a robots.txt that are read: what RFC 9309 asks for at least.
pub(super) const MAX_ROBOTS: u64 = 500 << 10;
/// Redirects that are followed to a robots.txt: what RFC 9309 asks for at least.
const MAX_REDIRECTS: usize = 5;
/// How long a site that could not be read is taken to forbid everything.
const UNREACHABLE_FOR: Duration = Duration::from_secs(900);
/// Bytes of robots.txt whose rules are kept.
const MAX_KEPT: usize = 64 << 20;
/// What a site takes besides its rules.
const SITE_BYTES: usize = 256;

/// What is known of a site.
#[derive(Clone, Debug)]
pub(super) enum Site {
    /// Its rules.
    Rules(Arc<Robots>),
    /// It could not be asked.
    Unreachable(Outcome),
}

/// The sites, by their origin.
pub(super) struct Sites {
    kept_for: Duration,
    sites: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_origin: HashMap<String, (Site, Instant, usize)>,
    oldest_first: VecDeque<String>,
    bytes: usize,
}

impl Sites {
    pub(super) fn new(kept_for: Duration) -> Self {
        Self {
            kept_for,
            sites: Mutex::default(),
        }
    }

    /// What is known of `origin`; none where it is to be asked.
    pub(super) fn get(&self, origin: &str, now: Instant) -> Option<Site> {
        let kept = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let (site, until, _) = kept.by_origin.get(origin)?;
        (now < *until).then(|| site.clone())
    }

    /// Keeps the rules of `origin`, which were `bytes` long.
    pub(super) fn keep_rules(&self, origin: String, rules: Robots, bytes: usize, now: Instant) {
        self.keep(
            origin,
            Site::Rules(Arc::new(rules)),
            bytes,
            now + self.kept_for,
        );
    }

    /// Remembers for a while that `origin` could not be asked.
    pub(super) fn keep_unreachable(&self, origin: String, site: Site, now: Instant) {
        self.keep(origin, site, 0, now + UNREACHABLE_FOR);
    }

    fn keep(&self, origin: String, site: Site, bytes: usize, until: Instant) {
        let mut kept = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = bytes + origin.len() + SITE_BYTES;
        kept.bytes += bytes;
        match kept.by_origin.insert(origin.clone(), (site, until, bytes)) {
            Some((_, _, before)) => kept.bytes -= before,
            None => kept.oldest_first.push_back(origin),
        }
        while kept.bytes > MAX_KEPT && kept.oldest_first.len() > 1 {
            let Some(oldest) = kept.oldest_first.pop_front() else {
                break;
            };
            if let Some((_, _, bytes)) = kept.by_origin.remove(&oldest) {
                kept.bytes -= bytes;
            }
        }
    }
}

impl Debug for Sites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sites")
            .field("kept_for", &self.kept_for)
            .finish_non_exhaustive()
    }
}

/// The scheme, host and port for which a robots.txt speaks.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Where the robots.txt of a URL's site lies.
pub(super) fn robots_url(url: &Url) -> Url {
    let mut robots = url.clone();
    robots.set_path("/robots.txt");
    robots.set_query(None);
    robots
}

/// The answer to a request for a robots.txt.
#[derive(Debug)]
pub(super) struct RobotsAnswer {
    pub(super) answered: Result<Answered, Outcome>,
    pub(super) requests: u64,
}

/// Asks for a robots.txt, wherever it leads.
pub(super) fn ask(client: &Client, robots: &Url) -> RobotsAnswer {
    let wanted = Wanted {
        accept: "text/plain, */*;q=0.5",
        encoding: "identity",
    };
    let mut url = robots.clone();
    let mut requests = 0;
    loop {
        let answered = client.get(&url, wanted, |status, _| match status.is_success() {
            true => Take::UpTo(MAX_ROBOTS),
            false => Take::Nothing,
        });
        requests += 1;
        let next = answered
            .as_ref()
            .ok()
            .and_then(|answered| leads_to(answered, &url));
        match next {
            Some(next) if requests <= MAX_REDIRECTS as u64 => url = next,
            _ => return RobotsAnswer { answered, requests },
        }
    }
}

fn leads_to(answered: &Answered, url: &Url) -> Option<Url> {
    let moved = answered.status.is_redirection();
    moved
        .then(|| location(&answered.headers, url))
        .flatten()
        .and_then(fetchable)
}

/// The text of a robots.txt.
pub(super) fn text(answered: &Answered) -> Vec<u8> {
    let (Payload::Whole(body) | Payload::Cut(body)) = &answered.body else {
        return Vec::new();
    };
    let encoding = answered.headers.get(header::CONTENT_ENCODING);
    if !encoding.is_some_and(|encoding| encoding.as_bytes().ends_with(b"gzip")) {
        return body.clone();
    }
    // Sent all the same though nobody asked for it.
    gunzip(body, MAX_ROBOTS as usize)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn rules_are_kept_for_their_time() {
        let (sites, now) = (Sites::new(Duration::from_secs(10)), Instant::now());
        sites.keep_rules("http://a.test".to_owned(), Robots::nothing(), 9, now);
        assert!(matches!(
            sites.get("http://a.test", now + Duration::from_secs(9)),
            Some(Site::Rules(_))
        ));
        assert!(
            sites
                .get("http://a.test", now + Duration::from_secs(10))
                .is_none()
        );
        assert!(sites.get("https://a.test", now).is_none());
    }

    #[test]
    fn the_oldest_rules_give_way_when_all_take_too_much() {
        let (sites, now) = (Sites::new(Duration::from_secs(10)), Instant::now());
        for n in 0..200 {
            sites.keep_rules(
                format!("http://{n}.test"),
                Robots::all(),
                MAX_ROBOTS as usize,
                now,
            );
        }
        assert!(sites.get("http://0.test", now).is_none());
        assert!(sites.get("http://199.test", now).is_some());
        assert!(sites.sites.lock().unwrap().bytes <= MAX_KEPT);
    }

    #[test]
    fn a_robots_txt_lies_at_the_root_of_its_origin() {
        let url = Url::parse("https://a.test:81/x/y?q").unwrap();
        assert_eq!(robots_url(&url).as_str(), "https://a.test:81/robots.txt");
        assert_eq!(origin(&url), "https://a.test:81");
    }
}
