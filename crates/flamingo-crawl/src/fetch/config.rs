//! How a list of URLs is fetched: who asks, how often, how long, and what is taken.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, Refusal, Result};

/// The section `[fetch]` of a configuration.
///
/// Politeness is kept within a process: processes that fetch parts of one list do not know of
/// each other, so a list that is given to several is best sorted by host; one that is fetched by
/// a single process is best shuffled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FetchConfig {
    /// What `User-Agent` says. Its first word up to `/` is the name by which robots.txt and
    /// `X-Robots-Tag` speak to this crawler; somewhere it must name a URL or an e-mail address
    /// under which whoever runs it can be reached.
    pub user_agent: String,
    /// Requests at a time, over all hosts: `threads` / seconds of an answer is the most pages a
    /// second, if there are enough hosts that have rested. A thread waits for most of its life,
    /// so several hundred are fine; each may hold a body of the largest size and its compressed
    /// form, and nothing else grows with the list.
    pub threads: usize,
    /// Requests at a time to one host.
    pub connections_per_host: usize,
    /// Seconds that a host is left alone after each answer.
    pub delay: f64,
    /// The most seconds that a host's `Crawl-delay` can ask for instead.
    pub max_crawl_delay: f64,
    /// Seconds until a request that failed is tried a second and last time.
    pub retry_delay: f64,
    /// The most seconds that a host's `Retry-After` can ask for. A host that asks for more is
    /// not asked again before, and what was still to be fetched from it is given up.
    pub max_retry_after: f64,
    /// Requests in a row that may fail at a host (no answer, 5xx, 429) before what was still to
    /// be fetched from it is given up.
    pub max_failures: u32,
    /// Seconds that looking up a host and connecting to it may take, each.
    pub connect_timeout: f64,
    /// Seconds that a request may take in all.
    pub timeout: f64,
    /// Redirects that are followed from one URL.
    pub max_redirects: u32,
    /// Bytes at which the body of a page is cut.
    pub max_page_bytes: u64,
    /// Bytes at which the body of an image is cut.
    pub max_image_bytes: u64,
    /// Seconds that the addresses of a host are kept.
    pub names_kept: f64,
    /// Seconds that a host without addresses is not looked up again.
    pub missing_names_kept: f64,
    /// Seconds that a robots.txt is kept; the standard asks for no more than a day.
    pub robots_kept: f64,
    /// Whether hosts inside private networks and on this machine may be asked. Where strangers
    /// write the list, or the pages whose images are fetched, they must not.
    pub allow_private_addresses: bool,
    /// Which words in an answer's headers keep it from being stored: `noai`, `noimageai` (for
    /// images), `noindex`, `tdm_reservation`.
    pub refusals: Vec<Refusal>,
    /// Lists of domains and beginnings of URLs that are never asked for.
    pub opt_out: Vec<PathBuf>,
}

impl Default for FetchConfig {
    fn default() -> Self {
        let agent = concat!(
            "flamingo-corpus/",
            env!("CARGO_PKG_VERSION"),
            " (+",
            env!("CARGO_PKG_REPOSITORY"),
            ")"
        );
        Self {
            user_agent: agent.to_owned(),
            threads: 64,
            connections_per_host: 1,
            delay: 1.0,
            max_crawl_delay: 30.0,
            retry_delay: 5.0,
            max_retry_after: 120.0,
            max_failures: 10,
            connect_timeout: 10.0,
            timeout: 60.0,
            max_redirects: 5,
            max_page_bytes: 8 << 20,
            max_image_bytes: 16 << 20,
            names_kept: 600.0,
            missing_names_kept: 60.0,
            robots_kept: 86_400.0,
            allow_private_addresses: false,
            refusals: vec![
                Refusal::NoAi,
                Refusal::NoImageAi,
                Refusal::NoIndex,
                Refusal::TdmReservation,
            ],
            opt_out: Vec::new(),
        }
    }
}

impl FetchConfig {
    /// The name by which sites speak to this crawler.
    #[must_use]
    pub fn product_token(&self) -> &str {
        let word = self
            .user_agent
            .split_whitespace()
            .next()
            .unwrap_or_default();
        word.split_once('/').map_or(word, |(name, _)| name)
    }

    /// Says what cannot be meant, before anything is asked of anyone.
    ///
    /// # Errors
    ///
    /// For a user agent that nobody can answer to, limits of zero, and times that are none.
    pub fn check(&self) -> Result<()> {
        self.check_user_agent()?;
        for (name, value) in [
            ("threads", self.threads),
            ("connections_per_host", self.connections_per_host),
        ] {
            let expected = "a number of requests from 1 to 10000";
            check(name, value, (1..=10_000).contains(&value), expected)?;
        }
        for (name, value) in [
            ("max_page_bytes", self.max_page_bytes),
            ("max_image_bytes", self.max_image_bytes),
        ] {
            let expected = "a number of bytes from 1 to 1073741824";
            check(name, value, (1..=1 << 30).contains(&value), expected)?;
        }
        check(
            "max_failures",
            self.max_failures,
            self.max_failures > 0,
            "a number from 1",
        )?;
        for (name, value) in self.times() {
            let fits = (0.0..=1e7).contains(&value);
            check(name, value, fits, "a number of seconds from 0 to 10000000")?;
        }
        for (name, value) in [
            ("connect_timeout", self.connect_timeout),
            ("timeout", self.timeout),
        ] {
            check(name, value, value > 0.0, "a number of seconds above 0")?;
        }
        Ok(())
    }

    fn check_user_agent(&self) -> Result<()> {
        let agent = &self.user_agent;
        let printable = agent.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        check("user_agent", agent, printable, "printable ASCII characters")?;
        let token = self.product_token();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let named = !token.is_empty() && token.bytes().all(is_token);
        check(
            "user_agent",
            agent,
            named,
            "a name of letters, `-` and `_` at its beginning",
        )?;
        let reachable = ["http://", "https://", "@"]
            .iter()
            .any(|sign| agent.contains(sign));
        let expected =
            "a URL or an e-mail address in it, so that sites can reach whoever runs this";
        check("user_agent", agent, reachable, expected)
    }

    fn times(&self) -> [(&'static str, f64); 9] {
        [
            ("delay", self.delay),
            ("max_crawl_delay", self.max_crawl_delay),
            ("retry_delay", self.retry_delay),
            ("max_retry_after", self.max_retry_after),
            ("connect_timeout", self.connect_timeout),
            ("timeout", self.timeout),
            ("names_kept", self.names_kept),
            ("missing_names_kept", self.missing_names_kept),
            ("robots_kept", self.robots_kept),
        ]
    }

    /// How long a host rests, given what its robots.txt asks for.
    pub(super) fn rest(&self, crawl_delay: Option<Duration>) -> Duration {
        let asked = crawl_delay
            .unwrap_or_default()
            .min(seconds(self.max_crawl_delay));
        asked.max(seconds(self.delay))
    }
}

/// Seconds of a checked configuration.
pub(super) fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}

fn check(name: &str, value: impl ToString, fits: bool, expected: &'static str) -> Result<()> {
    if fits {
        return Ok(());
    }
    Err(Error::Input {
        name: format!("fetch.{name}"),
        what: format!("`{}`", value.to_string()),
        expected,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_default_says_who_asks_and_survives_being_written() {
        let config = FetchConfig::default();
        config.check().unwrap();
        assert_eq!(config.product_token(), "flamingo-corpus");
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<FetchConfig>(&json).unwrap(), config);
        assert!(serde_json::from_str::<FetchConfig>(r#"{"threds": 3}"#).is_err());
    }

    #[test]
    fn an_agent_that_nobody_can_answer_to_is_refused() {
        for agent in [
            "",
            "bot/1.0",
            "(+http://a.test)",
            "bot\r\nX: y@z",
            "b\u{f6}t (a@b.test)",
        ] {
            let config = FetchConfig {
                user_agent: agent.to_owned(),
                ..FetchConfig::default()
            };
            let message = config.check().unwrap_err().to_string();
            assert!(message.starts_with("fetch.user_agent is "), "{message}");
        }
        for agent in ["bot (a@b.test)", "Bot_2/1.0 +https://a.test/bot"] {
            let config = FetchConfig {
                user_agent: agent.to_owned(),
                ..FetchConfig::default()
            };
            config.check().unwrap();
        }
    }

    #[test]
    fn numbers_that_cannot_be_meant_are_refused_by_name() {
        let message = |change: fn(&mut FetchConfig)| {
            let mut config = FetchConfig::default();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert!(message(|c| c.delay = -1.0).contains("fetch.delay is `-1`"));
        assert!(message(|c| c.timeout = 0.0).contains("fetch.timeout is `0`"));
        assert!(message(|c| c.robots_kept = f64::NAN).contains("fetch.robots_kept is `NaN`"));
        assert!(message(|c| c.threads = 0).contains("fetch.threads is `0`"));
        assert!(message(|c| c.max_page_bytes = 0).contains("fetch.max_page_bytes is `0`"));
    }

    #[test]
    fn the_longer_of_both_delays_counts_up_to_the_limit() {
        let config = FetchConfig {
            delay: 2.0,
            max_crawl_delay: 10.0,
            ..FetchConfig::default()
        };
        let rest = |asked: u64| config.rest(Some(Duration::from_secs(asked))).as_secs();
        assert_eq!((rest(1), rest(5), rest(3600)), (2, 5, 10));
        assert_eq!(config.rest(None).as_secs(), 2);
    }
}
