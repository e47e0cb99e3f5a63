//! The threads that fetch one list. One of those that have nothing to do waits for the next host
//! that will have rested, the others until they are woken, so that nobody wakes in vain.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use url::Url;

use super::fetcher::Fetcher;
use super::outcome::{FetchReport, Outcome};
use super::schedule::{Next, Schedule, Task};
use super::sites::robots_url;
use super::spool::{Member, Spool};
use super::visit::{Content, Visit};

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

impl Task for Step {
    /// What robots.txt says counts for all that follows at the host.
    fn alone(&self) -> bool {
        matches!(self, Self::Robots { .. })
    }
}

/// What came of a turn.
#[derive(Debug)]
pub(super) struct Turn {
    /// How long the host is left alone, if it was asked anything.
    pub(super) rest: Option<Duration>,
    /// What was done.
    pub(super) report: FetchReport,
    /// What follows.
    pub(super) then: Then,
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

/// What the threads share.
#[derive(Debug)]
pub(super) struct Board<'a> {
    schedule: &'a mut Schedule<Step>,
    pub(super) report: FetchReport,
    robots: BTreeMap<String, Member>,
    settled: Vec<(Visit, Outcome)>,
    /// URLs that have not found their end.
    open: usize,
    /// When the thread that waits for the next host wakes.
    wakes_at: Option<Instant>,
    error: Option<io::Error>,
}

impl<'a> Board<'a> {
    pub(super) fn new(schedule: &'a mut Schedule<Step>) -> Self {
        Self {
            schedule,
            report: FetchReport::default(),
            robots: BTreeMap::new(),
            settled: Vec::new(),
            open: 0,
            wakes_at: None,
            error: None,
        }
    }

    /// Takes up a URL of the list.
    pub(super) fn enter(&mut self, fetcher: &Fetcher, visit: Visit) {
        self.open += 1;
        self.send(fetcher, visit, Instant::now());
    }

    fn send(&mut self, fetcher: &Fetcher, visit: Visit, now: Instant) {
        if fetcher.opt_out.covers(&visit.url) {
            return self.settle(visit, Outcome::OptOut);
        }
        let host = visit.host().to_owned();
        if let Err(Step::Visit(visit)) = self.schedule.push(&host, Step::Visit(visit), now) {
            self.settle(visit, Outcome::HostBusy);
        }
    }

    fn settle(&mut self, visit: Visit, outcome: Outcome) {
        self.open -= 1;
        self.report.outcomes.add(outcome.name(), 1);
        self.settled.push((visit, outcome));
    }

    fn close(&mut self, host: &str, until: Instant) {
        for step in self.schedule.close(host, until) {
            if let Step::Visit(visit) = step {
                self.settle(visit, Outcome::HostBusy);
            }
        }
    }

    fn end_turn(&mut self, fetcher: &Fetcher, host: &str, turn: Turn) {
        let now = Instant::now();
        self.report.merge(&turn.report);
        match turn.then {
            Then::Nothing => {}
            Then::Robots(origin, member) => {
                self.robots.insert(origin, member);
            }
            Then::Settled(visit, outcome) => self.settle(visit, outcome),
            Then::Onward(visit) | Then::Again(visit) => self.send(fetcher, visit, now),
            Then::First(steps) => self.schedule.push_front(host, steps, now),
            Then::Closed(visit, time) => {
                self.settle(visit, Outcome::HostBusy);
                self.close(host, now + time);
            }
        }
        self.schedule.finish(host, turn.rest.map(|rest| now + rest), now);
    }
}

/// What came of a list.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) report: FetchReport,
    /// The robots.txt that were asked for, by origin.
    pub(super) robots: BTreeMap<String, Member>,
    /// The URLs, in the order in which they found their ends.
    pub(super) visits: Vec<(Visit, Outcome)>,
}

/// The fetching of one list.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) fetcher: &'a Fetcher,
    pub(super) content: Content,
    pub(super) spool: &'a Spool,
    board: Mutex<Board<'a>>,
    changed: Condvar,
}

impl<'a> Run<'a> {
    pub(super) fn new(fetcher: &'a Fetcher, content: Content, spool: &'a Spool, board: Board<'a>) -> Self {
        Self { fetcher, content, spool, board: Mutex::new(board), changed: Condvar::new() }
    }

    /// Fetches until every URL has found its end, or a record cannot be written.
    pub(super) fn finish(self) -> io::Result<Fetched> {
        let threads = self.fetcher.config.threads.min(self.board().open);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.work());
            }
        });
        let board = self.board.into_inner().unwrap_or_else(PoisonError::into_inner);
        match board.error {
            Some(error) => {
                board.schedule.abandon();
                Err(error)
            }
            None => Ok(Fetched { report: board.report, robots: board.robots, visits: board.settled }),
        }
    }

    fn work(&self) {
        while let Some((host, step)) = self.next() {
            let turn = match step {
                Step::Robots { url, retried } => self.ask_robots(url, retried),
                Step::Visit(visit) => self.visit(visit),
            };
            let mut board = self.board();
            match turn {
                Ok(turn) => board.end_turn(self.fetcher, &host, turn),
                Err(error) => board.error = Some(error),
            }
            if board.open == 0 || board.error.is_some() {
                self.changed.notify_all();
            }
        }
    }

    /// The next turn, once there is one; none when all is done.
    fn next(&self) -> Option<(Arc<str>, Step)> {
        let mut board = self.board();
        loop {
            if board.open == 0 || board.error.is_some() {
                return None;
            }
            let now = Instant::now();
            board = match board.schedule.take(now) {
                Next::Turn(host, step) => {
                    // Another looks whether there is more, and else waits in this one's place.
                    self.changed.notify_one();
                    return Some((host, step));
                }
                Next::At(at) if board.wakes_at.is_none_or(|wakes| at < wakes) => {
                    board.wakes_at = Some(at);
                    self.wait_until(board, at)
                }
                Next::At(_) | Next::Wait => {
                    self.changed.wait(board).unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }

    fn wait_until<'b>(&self, board: MutexGuard<'b, Board<'a>>, at: Instant) -> MutexGuard<'b, Board<'a>> {
        let time = at.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout(board, time);
        let (mut board, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if board.wakes_at == Some(at) {
            board.wakes_at = None;
        }
        board
    }

    fn board(&self) -> MutexGuard<'_, Board<'a>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Step {
    /// The robots.txt that speaks for `url`.
    pub(super) fn robots_of(url: &Url) -> Self {
        Self::Robots { url: robots_url(url), retried: false }
    }
}
