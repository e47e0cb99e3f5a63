//! The threads that fetch one list. One of those that have nothing to do waits for the next host
//! that will have rested, the others until they are woken, so that nobody wakes in vain.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::agent::Agent;
use super::ask::Asker;
use super::outcome::{FetchReport, Outcome};
use super::schedule::{Next, Schedule};
use super::spool::Member;
use super::turn::{Contact, Step, Then, Turn};
use super::visit::Visit;

/// How long a host that fails too often is not asked again.
const CLOSED_FOR: Duration = Duration::from_secs(900);

/// What the threads share.
#[derive(Debug)]
pub(super) struct Board<'a> {
    schedule: &'a mut Schedule<Step>,
    pub(super) report: FetchReport,
    robots: BTreeMap<String, Member>,
    settled: Vec<(Visit, Outcome)>,
    /// How often hosts failed since they last answered.
    failures: HashMap<Arc<str>, u32>,
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
            failures: HashMap::new(),
            open: 0,
            wakes_at: None,
            error: None,
        }
    }

    /// Takes up a URL of the list.
    pub(super) fn enter(&mut self, agent: &Agent, visit: Visit) {
        self.open += 1;
        self.send(agent, visit, Instant::now());
    }

    fn send(&mut self, agent: &Agent, visit: Visit, now: Instant) {
        if agent.opt_out.covers(&visit.url) {
            return self.settle(visit, Outcome::OptOut);
        }
        let host = visit.host().to_owned();
        if let Err(Step::Visit(visit)) = self.schedule.push(&host, Step::Visit(visit), now) {
            self.settle(visit, Outcome::HostClosed);
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
                self.settle(visit, Outcome::HostClosed);
            }
        }
    }

    fn end_turn(&mut self, agent: &Agent, host: &Arc<str>, turn: Turn) {
        let now = Instant::now();
        self.report.merge(&turn.report);
        if self.fails_too_often(host, turn.contact, agent.config.max_failures) {
            self.close(host, now + CLOSED_FOR);
        }
        match turn.then {
            Then::Nothing => {}
            Then::Robots(origin, member) => {
                self.robots.insert(origin, member);
            }
            Then::Settled(visit, outcome) => self.settle(visit, outcome),
            Then::Onward(visit) | Then::Again(visit) => self.send(agent, visit, now),
            Then::First(steps) => self.schedule.push_front(host, steps, now),
            Then::Closed(visit, time) => {
                self.settle(visit, Outcome::HostBusy);
                self.close(host, now + time);
            }
        }
        self.schedule
            .finish(host, turn.contact.rest().map(|rest| now + rest), now);
    }

    fn fails_too_often(&mut self, host: &Arc<str>, contact: Contact, most: u32) -> bool {
        match contact {
            Contact::None => false,
            Contact::Answered(_) => {
                self.failures.remove(host);
                false
            }
            Contact::Failed(_) => {
                let failures = self.failures.entry(host.clone()).or_default();
                *failures += 1;
                *failures >= most
            }
        }
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
    asker: Asker<'a>,
    board: Mutex<Board<'a>>,
    changed: Condvar,
}

impl<'a> Run<'a> {
    pub(super) fn new(asker: Asker<'a>, board: Board<'a>) -> Self {
        Self {
            asker,
            board: Mutex::new(board),
            changed: Condvar::new(),
        }
    }

    /// Fetches until every URL has found its end, or a record cannot be written.
    pub(super) fn finish(self) -> io::Result<Fetched> {
        let threads = self.asker.agent.config.threads.min(self.board().open);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.work());
            }
        });
        let board = self
            .board
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        match board.error {
            Some(error) => {
                board.schedule.abandon();
                Err(error)
            }
            None => Ok(Fetched {
                report: board.report,
                robots: board.robots,
                visits: board.settled,
            }),
        }
    }

    fn work(&self) {
        let _alarm = Alarm(self);
        while let Some((host, step)) = self.next() {
            let turn = match step {
                Step::Robots { url, retried } => self.asker.ask_robots(url, retried),
                Step::Visit(visit) => self.asker.visit(visit),
            };
            let mut board = self.board();
            match turn {
                Ok(turn) => board.end_turn(self.asker.agent, &host, turn),
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
                Next::At(_) | Next::Wait => self
                    .changed
                    .wait(board)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn wait_until<'b>(
        &self,
        board: MutexGuard<'b, Board<'a>>,
        at: Instant,
    ) -> MutexGuard<'b, Board<'a>> {
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

/// Ends the run when its thread panics: the others would wait for a turn that never ends.
struct Alarm<'a, 'b>(&'a Run<'b>);

impl Drop for Alarm<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.board().error = Some(io::Error::other("a thread that fetches panicked"));
            self.0.changed.notify_all();
        }
    }
}
