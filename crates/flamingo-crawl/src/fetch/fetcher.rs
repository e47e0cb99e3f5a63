//! Fetching a list into a WARC: many threads take turns at hosts, and what they bring is put
//! together in the order of the list.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Debug};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use flamingo_files::{Draft, Target};

use super::agent::Agent;
use super::ask::Asker;
use super::clock::{Clock, SystemClock};
use super::config::FetchConfig;
use super::names::{Lookup, SystemLookup};
use super::outcome::{FetchReport, Outcome};
use super::record::Record;
use super::run::{Board, Run};
use super::schedule::Schedule;
use super::spool::{Member, Spool};
use super::target::listed;
use super::turn::Step;
use super::visit::{Content, Visit};
use crate::{Error, Result};

/// Fetches lists of URLs. Between lists it remembers addresses, robots.txt, and which hosts are
/// to be left alone; lists given to it at the same time are fetched one after the other.
pub struct Fetcher {
    agent: Agent,
    schedule: Mutex<Schedule<Step>>,
}

impl Fetcher {
    /// One that asks the system for addresses and the time.
    ///
    /// # Errors
    ///
    /// Where the configuration cannot be meant, or an opt-out list cannot be read.
    pub fn new(config: FetchConfig) -> Result<Self> {
        Self::with_parts(config, Arc::new(SystemLookup), Arc::new(SystemClock))
    }

    /// One that asks `lookup` for addresses and `clock` for the time.
    ///
    /// # Errors
    ///
    /// As [`Fetcher::new`].
    pub fn with_parts(
        config: FetchConfig,
        lookup: Arc<dyn Lookup>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let connections = config.connections_per_host;
        Ok(Self {
            agent: Agent::new(config, lookup, clock)?,
            schedule: Mutex::new(Schedule::new(connections)),
        })
    }

    /// Fetches pages into a WARC at `path`, which is there once it is complete.
    ///
    /// # Errors
    ///
    /// Where the file cannot be written. What the network does is never an error.
    pub fn fetch_pages<U: AsRef<str>>(&self, urls: &[U], path: &Path) -> Result<FetchReport> {
        self.fetch(Content::Pages, urls, path)
    }

    /// Fetches images into a WARC at `path`, which is there once it is complete.
    ///
    /// # Errors
    ///
    /// Where the file cannot be written. What the network does is never an error.
    pub fn fetch_images<U: AsRef<str>>(&self, urls: &[U], path: &Path) -> Result<FetchReport> {
        self.fetch(Content::Images, urls, path)
    }

    fn fetch<U: AsRef<str>>(
        &self,
        content: Content,
        urls: &[U],
        path: &Path,
    ) -> Result<FetchReport> {
        // Better told before the network is asked than after it.
        let file = Draft::create(path)?;
        let spool = Spool::beside(&Target::of(path)?).map_err(Error::write(file.name()))?;
        let mut schedule = self.schedule.lock().unwrap_or_else(PoisonError::into_inner);
        let lookups = self.agent.client.lookups();
        let mut board = Board::new(&mut schedule);
        for (place, visit) in visits(urls).into_iter().enumerate() {
            match visit {
                Ok(url) => board.enter(&self.agent, Visit::new(place, url)),
                Err(outcome) => board.report.outcomes.add(outcome.name(), 1),
            }
        }
        let asker = Asker {
            agent: &self.agent,
            content,
            spool: &spool,
        };
        let run = Run::new(asker, board);
        let mut fetched = run.finish().map_err(Error::write(file.name()))?;
        fetched.report.lookups = self.agent.client.lookups() - lookups;
        schedule.forget_rested(Instant::now());
        drop(schedule);
        self.write(spool, fetched.robots, fetched.visits, file)?;
        Ok(fetched.report)
    }

    fn write(
        &self,
        spool: Spool,
        robots: BTreeMap<String, Member>,
        mut visits: Vec<(Visit, Outcome)>,
        mut file: Draft,
    ) -> Result<()> {
        let name = file.name().to_owned();
        let failed = || Error::write(&name);
        visits.sort_unstable_by_key(|(visit, _)| visit.place);
        for (visit, outcome) in &mut visits {
            if !outcome.has_answer() {
                let record = Record::outcome(&visit.url, *outcome);
                let record = record.compress(self.agent.clock.now()).map_err(failed())?;
                visit.members.push(spool.add(&record).map_err(failed())?);
            }
        }
        let info = Record::warcinfo(&self.agent.config.user_agent);
        let info = info.compress(self.agent.clock.now()).map_err(failed())?;
        let visited = visits.iter().flat_map(|(visit, _)| &visit.members);
        let members = robots.values().chain(visited);
        let assembled = spool.assemble(&mut file, &info, members);
        assembled.map_err(failed())?;
        Ok(file.commit()?)
    }
}

impl Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher")
            .field("config", &self.agent.config)
            .finish_non_exhaustive()
    }
}

/// The URLs that are to be asked for, and what becomes of the others.
fn visits<U: AsRef<str>>(urls: &[U]) -> Vec<Result<url::Url, Outcome>> {
    let mut seen = HashSet::new();
    let visit = |text: &U| {
        let url = listed(text.as_ref()).ok_or(Outcome::UnusableUrl)?;
        if seen.insert(url.as_str().to_owned()) {
            Ok(url)
        } else {
            Err(Outcome::Repeated)
        }
    };
    urls.iter().map(visit).collect()
}
