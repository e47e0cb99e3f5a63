//! Whose turn it is: a queue for each host, and a heap of the hosts by the time at which they
//! may be asked again. It knows neither threads nor sockets, so its rules are tested by numbers.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// Something to be done at a host.
pub(super) trait Task {
    /// True where nothing else may run at the host meanwhile.
    fn alone(&self) -> bool;
}

/// What a worker does next.
#[derive(Debug, PartialEq)]
pub(super) enum Next<T> {
    /// This task at this host, followed by [`Schedule::finish`].
    Turn(Arc<str>, T),
    /// Nothing before this time.
    At(Instant),
    /// Nothing until a task that runs is finished, or another is pushed.
    Wait,
}

/// The queues of all hosts.
#[derive(Debug)]
pub(super) struct Schedule<T> {
    hosts: HashMap<Arc<str>, Host<T>>,
    /// Hosts with a task that may start, once each; the number keeps equal times in order.
    ready: BinaryHeap<Reverse<(Instant, u64, Arc<str>)>>,
    enlisted: u64,
    limit: usize,
}

#[derive(Debug)]
struct Host<T> {
    tasks: VecDeque<T>,
    running: usize,
    /// A task runs that wants no other beside it.
    alone: bool,
    in_heap: bool,
    ready_at: Option<Instant>,
    closed_until: Option<Instant>,
}

impl<T> Default for Host<T> {
    fn default() -> Self {
        Self {
            tasks: VecDeque::new(),
            running: 0,
            alone: false,
            in_heap: false,
            ready_at: None,
            closed_until: None,
        }
    }
}

impl<T: Task> Host<T> {
    fn may_start(&self, limit: usize) -> bool {
        let Some(task) = self.tasks.front() else {
            return false;
        };
        let room = if task.alone() {
            self.running == 0
        } else {
            self.running < limit
        };
        room && !self.alone
    }

    fn is_closed(&self, now: Instant) -> bool {
        self.closed_until.is_some_and(|until| now < until)
    }
}

impl<T: Task> Schedule<T> {
    /// No hosts yet; at most `limit` tasks run at one host at a time.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            hosts: HashMap::new(),
            ready: BinaryHeap::new(),
            enlisted: 0,
            limit: limit.max(1),
        }
    }

    /// Adds `task` behind those of `host`, or gives it back where the host is closed.
    pub(super) fn push(&mut self, host: &str, task: T, now: Instant) -> Result<(), T> {
        let (name, entry) = self.host(host);
        if entry.is_closed(now) {
            return Err(task);
        }
        entry.tasks.push_back(task);
        self.enlist(&name, now);
        Ok(())
    }

    /// Adds `tasks` before those of `host`, the first first. The caller has a turn there.
    pub(super) fn push_front(&mut self, host: &str, tasks: Vec<T>, now: Instant) {
        let (name, entry) = self.host(host);
        for task in tasks.into_iter().rev() {
            entry.tasks.push_front(task);
        }
        self.enlist(&name, now);
    }

    /// The next task that may start now.
    pub(super) fn take(&mut self, now: Instant) -> Next<T> {
        while let Some(Reverse((at, _, name))) = self.ready.peek() {
            if *at > now {
                return Next::At(*at);
            }
            let name = name.clone();
            self.ready.pop();
            if let Some(task) = self.start(&name, now) {
                return Next::Turn(name, task);
            }
        }
        Next::Wait
    }

    /// Ends a turn at `host`, which rests until `rest_until`.
    pub(super) fn finish(&mut self, host: &str, rest_until: Option<Instant>, now: Instant) {
        let (name, entry) = self.host(host);
        entry.running = entry.running.saturating_sub(1);
        entry.alone = false;
        entry.ready_at = entry.ready_at.max(rest_until);
        self.enlist(&name, now);
    }

    /// Asks nothing more of `host` until `until`, and gives back what was still to be asked.
    pub(super) fn close(&mut self, host: &str, until: Instant) -> Vec<T> {
        let (_, entry) = self.host(host);
        entry.closed_until = entry.closed_until.max(Some(until));
        entry.tasks.drain(..).collect()
    }

    /// Gives up all that is to be done and all that runs; how long hosts rest is kept.
    pub(super) fn abandon(&mut self) {
        self.ready.clear();
        for host in self.hosts.values_mut() {
            host.tasks.clear();
            (host.running, host.alone, host.in_heap) = (0, false, false);
        }
    }

    /// Forgets the hosts that may be asked again at once.
    pub(super) fn forget_rested(&mut self, now: Instant) {
        self.hosts.retain(|_, host| {
            let rests = host.ready_at.is_some_and(|at| now < at);
            rests || host.is_closed(now) || host.running > 0 || !host.tasks.is_empty()
        });
    }

    fn host(&mut self, host: &str) -> (Arc<str>, &mut Host<T>) {
        let name = match self.hosts.get_key_value(host) {
            Some((name, _)) => name.clone(),
            None => Arc::from(host),
        };
        let entry = self.hosts.entry(name.clone()).or_default();
        (name, entry)
    }

    /// Puts `name` into the heap where it is not there and has a task that may start.
    fn enlist(&mut self, name: &Arc<str>, now: Instant) {
        let limit = self.limit;
        let Some(host) = self.hosts.get_mut(name) else {
            return;
        };
        if host.in_heap || !host.may_start(limit) {
            return;
        }
        host.in_heap = true;
        self.enlisted += 1;
        let at = host.ready_at.unwrap_or(now);
        self.ready.push(Reverse((at, self.enlisted, name.clone())));
    }

    /// The first task of a host that left the heap, unless things changed while it was in there.
    fn start(&mut self, name: &Arc<str>, now: Instant) -> Option<T> {
        let limit = self.limit;
        let host = self.hosts.get_mut(name)?;
        host.in_heap = false;
        let rests = host.ready_at.is_some_and(|at| now < at);
        if rests || !host.may_start(limit) {
            self.enlist(name, now);
            return None;
        }
        let task = host.tasks.pop_front()?;
        host.running += 1;
        host.alone = task.alone();
        self.enlist(name, now);
        Some(task)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;

    #[derive(Debug, PartialEq)]
    enum Chore {
        Page(u32),
        Robots,
    }

    impl Task for Chore {
        fn alone(&self) -> bool {
            matches!(self, Self::Robots)
        }
    }

    use Chore::{Page, Robots};

    fn turn(host: &str, task: Chore) -> Next<Chore> {
        Next::Turn(Arc::from(host), task)
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_host_gets_one_task_at_a_time_and_rests_between_them() {
        let t = Instant::now();
        let mut schedule = Schedule::new(1);
        for n in 0..3 {
            schedule.push("a", Page(n), t).unwrap();
        }
        assert_eq!(schedule.take(t), turn("a", Page(0)));
        assert_eq!(schedule.take(t), Next::Wait);
        schedule.finish("a", Some(t + seconds(5)), t);
        assert_eq!(schedule.take(t + seconds(4)), Next::At(t + seconds(5)));
        assert_eq!(schedule.take(t + seconds(5)), turn("a", Page(1)));
        schedule.finish("a", None, t + seconds(6));
        assert_eq!(schedule.take(t + seconds(6)), turn("a", Page(2)));
    }

    #[test]
    fn a_resting_host_does_not_hold_up_others() {
        let t = Instant::now();
        let mut schedule = Schedule::new(1);
        schedule.push("a", Page(0), t).unwrap();
        schedule.push("a", Page(1), t).unwrap();
        schedule.push("b", Page(2), t).unwrap();
        assert_eq!(schedule.take(t), turn("a", Page(0)));
        schedule.finish("a", Some(t + seconds(60)), t);
        assert_eq!(schedule.take(t), turn("b", Page(2)));
        assert_eq!(schedule.take(t), Next::At(t + seconds(60)));
    }

    #[test]
    fn hosts_take_turns_in_the_order_in_which_they_became_ready() {
        let t = Instant::now();
        let mut schedule = Schedule::new(1);
        for n in 0..2 {
            for host in ["a", "b", "c"] {
                schedule.push(host, Page(n), t).unwrap();
            }
        }
        let mut order = Vec::new();
        while let Next::Turn(host, _) = schedule.take(t) {
            schedule.finish(&host, None, t);
            order.push(host.to_string());
        }
        assert_eq!(order, ["a", "b", "c", "a", "b", "c"]);
    }

    #[test]
    fn a_task_that_wants_to_be_alone_waits_and_makes_others_wait() {
        let t = Instant::now();
        let mut schedule = Schedule::new(2);
        schedule.push("a", Page(0), t).unwrap();
        schedule.push("a", Robots, t).unwrap();
        schedule.push("a", Page(1), t).unwrap();
        assert_eq!(schedule.take(t), turn("a", Page(0)));
        assert_eq!(schedule.take(t), Next::Wait);
        schedule.finish("a", None, t);
        assert_eq!(schedule.take(t), turn("a", Robots));
        assert_eq!(schedule.take(t), Next::Wait);
        schedule.finish("a", None, t);
        assert_eq!(schedule.take(t), turn("a", Page(1)));
    }

    #[test]
    fn no_more_tasks_run_at_a_host_than_its_limit() {
        let t = Instant::now();
        let mut schedule = Schedule::new(2);
        for n in 0..3 {
            schedule.push("a", Page(n), t).unwrap();
        }
        assert_eq!(schedule.take(t), turn("a", Page(0)));
        assert_eq!(schedule.take(t), turn("a", Page(1)));
        assert_eq!(schedule.take(t), Next::Wait);
        schedule.finish("a", None, t);
        assert_eq!(schedule.take(t), turn("a", Page(2)));
    }

    #[test]
    fn tasks_pushed_to_the_front_come_first_and_in_their_order() {
        let t = Instant::now();
        let mut schedule = Schedule::new(1);
        schedule.push("a", Page(0), t).unwrap();
        schedule.push("a", Page(1), t).unwrap();
        assert_eq!(schedule.take(t), turn("a", Page(0)));
        schedule.push_front("a", vec![Robots, Page(0)], t);
        schedule.finish("a", None, t);
        for expected in [Robots, Page(0), Page(1)] {
            assert_eq!(schedule.take(t), turn("a", expected));
            schedule.finish("a", None, t);
        }
    }

    #[test]
    fn a_closed_host_gives_its_tasks_back_and_takes_none_until_it_opens() {
        let t = Instant::now();
        let mut schedule = Schedule::new(1);
        schedule.push("a", Page(0), t).unwrap();
        schedule.push("a", Page(1), t).unwrap();
        assert_eq!(schedule.take(t), turn("a", Page(0)));
        assert_eq!(schedule.close("a", t + seconds(9)), vec![Page(1)]);
        schedule.finish("a", None, t);
        assert_eq!(schedule.push("a", Page(2), t + seconds(8)), Err(Page(2)));
        schedule.forget_rested(t + seconds(8));
        assert_eq!(schedule.push("a", Page(3), t + seconds(8)), Err(Page(3)));
        assert_eq!(schedule.push("a", Page(4), t + seconds(9)), Ok(()));
        assert_eq!(schedule.take(t + seconds(9)), turn("a", Page(4)));
    }

    #[test]
    fn a_host_that_rests_is_remembered_and_others_are_forgotten() {
        let t = Instant::now();
        let mut schedule = Schedule::new(1);
        for host in ["a", "b"] {
            schedule.push(host, Page(0), t).unwrap();
            schedule.take(t);
        }
        schedule.finish("a", Some(t + seconds(3)), t);
        schedule.finish("b", None, t);
        schedule.forget_rested(t);
        assert_eq!(schedule.hosts.len(), 1);
        schedule.push("a", Page(1), t).unwrap();
        assert_eq!(schedule.take(t), Next::At(t + seconds(3)));
    }
}
