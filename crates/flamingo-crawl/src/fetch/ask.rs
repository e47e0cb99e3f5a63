//! How a host is asked: its robots.txt or one URL, and what follows from the answer.

use std::io;
use std::time::{Duration, Instant};

use ureq::http::header::HeaderMap;
use ureq::http::{HeaderValue, StatusCode};
use url::Url;

use super::agent::Agent;
use super::config::seconds;
use super::outcome::{FetchReport, Outcome};
use super::record::Record;
use super::request::{Answered, Payload, Take, location, media_type, retry_after};
use super::sites::{self, RobotsAnswer, Site, origin};
use super::spool::{Member, Spool};
use super::target::fetchable;
use super::turn::{Contact, Step, Then, Turn};
use super::visit::{Content, Visit};
use crate::{Directives, Refusal, Robots};

/// Asks for what a list leads to, and stores what is answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) agent: &'a Agent,
    pub(super) content: Content,
    pub(super) spool: &'a Spool,
}

impl Asker<'_> {
    /// Asks for a URL, unless it is known that it must not be.
    pub(super) fn visit(&self, visit: Visit) -> io::Result<Turn> {
        let site = self.agent.sites.get(&origin(&visit.url), Instant::now());
        let robots = match site {
            None => {
                let steps = vec![Step::robots_of(&visit.url), Step::Visit(visit)];
                return Ok(Turn::unasked(Then::First(steps)));
            }
            Some(Site::Unreachable(outcome)) => {
                return Ok(Turn::unasked(Then::Settled(visit, outcome)));
            }
            Some(Site::Rules(robots)) => robots,
        };
        if !robots.allows(visit.url.as_str()) {
            return Ok(Turn::unasked(Then::Settled(visit, Outcome::RobotsTxt)));
        }
        let take = |status, headers: &HeaderMap| self.take(status, headers);
        let answered = self
            .agent
            .client
            .get(&visit.url, self.content.wanted(), take);
        let report = FetchReport {
            requests: 1,
            retries: u64::from(visit.retried),
            ..FetchReport::default()
        };
        let rest = self.agent.config.rest(robots.crawl_delay());
        let turn = Turn {
            contact: Contact::Answered(rest),
            report,
            then: Then::Nothing,
        };
        match answered {
            Ok(answered) => self.follow(visit, &answered, turn),
            Err(outcome) => Ok(self.failed(visit, outcome, turn)),
        }
    }

    /// What follows from an answer.
    fn follow(&self, visit: Visit, answered: &Answered, turn: Turn) -> io::Result<Turn> {
        if is_redirect(answered.status) {
            return self.redirected(visit, answered, turn);
        }
        let asked = retry_after(&answered.headers, self.agent.clock.now());
        match (answered.status, asked) {
            (StatusCode::TOO_MANY_REQUESTS, asked) => Ok(self.busy(visit, asked, turn)),
            (StatusCode::SERVICE_UNAVAILABLE, Some(_)) => Ok(self.busy(visit, asked, turn)),
            (status, _) if status.is_server_error() && !visit.retried => {
                Ok(self.failed(visit, Outcome::ServerError, turn))
            }
            _ => self.settled(visit, answered, turn),
        }
    }

    fn redirected(
        &self,
        mut visit: Visit,
        answered: &Answered,
        mut turn: Turn,
    ) -> io::Result<Turn> {
        visit.members.push(self.store(&visit.url, answered)?);
        turn.report.redirects += 1;
        let Some(next) = location(&answered.headers, &visit.url).and_then(fetchable) else {
            turn.then = Then::Settled(visit, Outcome::MissingLocation);
            return Ok(turn);
        };
        turn.then = if visit.redirects == self.agent.config.max_redirects {
            Then::Settled(visit, Outcome::TooManyRedirects)
        } else {
            Then::Onward(Visit {
                url: next,
                redirects: visit.redirects + 1,
                ..visit
            })
        };
        Ok(turn)
    }

    /// The host wants to be left alone for `asked`.
    fn busy(&self, visit: Visit, asked: Option<Duration>, mut turn: Turn) -> Turn {
        let config = &self.agent.config;
        let asked = asked.unwrap_or(seconds(config.retry_delay));
        turn.failed(asked);
        if asked > seconds(config.max_retry_after) {
            turn.then = Then::Closed(visit, asked);
            return turn;
        }
        self.failed(visit, Outcome::HostBusy, turn)
    }

    /// Tries once more what may go otherwise then.
    fn failed(&self, visit: Visit, outcome: Outcome, mut turn: Turn) -> Turn {
        if !outcome.is_transient() {
            turn.then = Then::Settled(visit, outcome);
            return turn;
        }
        turn.failed(seconds(self.agent.config.retry_delay));
        turn.then = match visit.retried {
            true => Then::Settled(visit, outcome),
            false => Then::Again(Visit {
                retried: true,
                ..visit
            }),
        };
        turn
    }

    fn settled(&self, mut visit: Visit, answered: &Answered, mut turn: Turn) -> io::Result<Turn> {
        visit.members.push(self.store(&visit.url, answered)?);
        turn.report.bytes += answered.body.len();
        let outcome = self.outcome(answered);
        if outcome.is_transient() {
            turn.failed(Duration::ZERO);
        }
        turn.then = Then::Settled(visit, outcome);
        Ok(turn)
    }

    fn outcome(&self, answered: &Answered) -> Outcome {
        match answered.status.as_u16() {
            404 | 410 => return Outcome::NotFound,
            400..=499 => return Outcome::ClientError,
            500..=599 => return Outcome::ServerError,
            200..=299 => {}
            _ => return Outcome::NoContent,
        }
        match (&answered.body, self.refusal(&answered.headers)) {
            (_, Some(refusal)) => Outcome::Refused(refusal),
            (Payload::Whole(_), None) => Outcome::Fetched,
            (Payload::Cut(_), None) => Outcome::Cut,
            (Payload::Left, None) => Outcome::UnwantedType,
        }
    }

    /// How much of an answer is read; of most nothing but their head is worth keeping.
    fn take(&self, status: StatusCode, headers: &HeaderMap) -> Take {
        let wanted = self.content.wants(media_type(headers).as_deref());
        if !status.is_success() || !wanted || self.refusal(headers).is_some() {
            return Take::Nothing;
        }
        let config = &self.agent.config;
        Take::UpTo(match self.content {
            Content::Pages => config.max_page_bytes,
            Content::Images => config.max_image_bytes,
        })
    }

    /// The first word in `headers` that keeps an answer from being stored.
    fn refusal(&self, headers: &HeaderMap) -> Option<Refusal> {
        let config = &self.agent.config;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let directives = Directives {
            robots: headers.get_all("x-robots-tag").iter().map(text).collect(),
            tdm_reservation: headers.get("tdm-reservation").map(text),
        };
        let mut refusals = directives.refusals(config.product_token()).into_iter();
        refusals.find(|refusal| {
            let concerns = *refusal != Refusal::NoImageAi || self.content == Content::Images;
            concerns && config.refusals.contains(refusal)
        })
    }

    fn store(&self, url: &Url, answered: &Answered) -> io::Result<Member> {
        let record = Record::response(url, answered);
        self.spool.add(&record.compress(self.agent.clock.now())?)
    }

    /// Asks for a site's robots.txt, unless another turn did so meanwhile.
    pub(super) fn ask_robots(&self, url: Url, retried: bool) -> io::Result<Turn> {
        if self
            .agent
            .sites
            .get(&origin(&url), Instant::now())
            .is_some()
        {
            return Ok(Turn::unasked(Then::Nothing));
        }
        let asked = sites::ask(&self.agent.client, &url);
        let report = FetchReport {
            robots_requests: asked.requests,
            ..FetchReport::default()
        };
        let config = &self.agent.config;
        let mut turn = Turn {
            contact: Contact::Answered(config.rest(None)),
            report,
            then: Then::Nothing,
        };
        let failed = match &asked.answered {
            Ok(answered) => is_in_trouble(answered.status).then_some(Outcome::ServerError),
            Err(outcome) => Some(*outcome),
        };
        if failed.is_some_and(Outcome::is_transient) && !retried {
            turn.failed(self.robots_retry(&asked.answered));
            turn.then = Then::First(vec![Step::Robots { url, retried: true }]);
            return Ok(turn);
        }
        if failed.is_some() {
            turn.failed(Duration::ZERO);
        }
        self.learn(&url, asked, turn)
    }

    /// Keeps what came of the request for a robots.txt at `url`.
    fn learn(&self, url: &Url, asked: RobotsAnswer, mut turn: Turn) -> io::Result<Turn> {
        let Agent { config, sites, .. } = self.agent;
        let (site, now) = (origin(url), Instant::now());
        let answered = match asked.answered {
            Ok(answered) if !is_in_trouble(answered.status) => answered,
            Ok(_) => {
                sites.keep_unreachable(site, Site::Rules(Robots::nothing().into()), now);
                return Ok(turn);
            }
            Err(outcome) => {
                sites.keep_unreachable(site, Site::Unreachable(outcome), now);
                return Ok(turn);
            }
        };
        let text = sites::text(&answered);
        let rules = Robots::from_status(config.product_token(), answered.status.as_u16(), &text);
        turn.contact = Contact::Answered(config.rest(rules.crawl_delay()));
        sites.keep_rules(site.clone(), rules, text.len(), now);
        // Where it was found elsewhere, it is not what this URL answers.
        if answered.status.is_success() && asked.requests == 1 {
            turn.then = Then::Robots(site, self.store(url, &answered)?);
        }
        Ok(turn)
    }

    /// How long a host rests until its robots.txt is asked for a second time.
    fn robots_retry(&self, answered: &Result<Answered, Outcome>) -> Duration {
        let config = &self.agent.config;
        let now = self.agent.clock.now();
        let asked = answered
            .as_ref()
            .ok()
            .and_then(|answered| retry_after(&answered.headers, now));
        let asked = asked
            .unwrap_or_default()
            .min(seconds(config.max_retry_after));
        asked
            .max(seconds(config.retry_delay))
            .max(config.rest(None))
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Whether a site gives no word on what may be taken for now.
fn is_in_trouble(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}
