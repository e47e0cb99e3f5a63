//! A request on its way, as the server sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use flamingo_engine::{Answer, Error, Scores, Token};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How an answer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Once it is whole. Who waits for it is not woken before.
    Whole,
    /// Piece by piece, once the engine has taken the request.
    Pieces,
}

/// What happened to a request.
#[derive(Debug)]
pub(crate) enum Happened {
    /// The engine has it, and will tell it in pieces.
    Accepted,
    /// A piece of an answer is certain.
    Text {
        answer: usize,
        text: String,
        tokens: Vec<Token>,
    },
    /// It is answered.
    Answered(Vec<Answer>),
    /// It is scored.
    Scored(Scores),
    /// It cannot be answered.
    Failed(Error),
    /// The engine failed, by a fault of ours.
    Broken,
}

/// How a request wants to be told, and since when it waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) telling: Telling,
    pub(crate) started: Instant,
}

/// Why a request did not get into the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It holds as many as it may.
    Full(usize),
    /// The engine has ended.
    Ended,
    /// The engine failed, by a fault of ours.
    Broken,
}

/// A request; who drops it gives it up, and the engine frees what it holds.
#[derive(Debug)]
pub(crate) struct Job {
    events: mpsc::UnboundedReceiver<Happened>,
    gone: Arc<AtomicBool>,
}

impl Job {
    pub(crate) fn new(events: mpsc::UnboundedReceiver<Happened>, gone: Arc<AtomicBool>) -> Self {
        Self { events, gone }
    }

    /// What happens next.
    pub(crate) async fn next(&mut self) -> Happened {
        self.events.recv().await.unwrap_or(Happened::Broken)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

/// The places in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    taken: Arc<AtomicUsize>,
    most: usize,
}

/// A place in the queue, until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Slots {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            taken: Arc::default(),
            most,
        }
    }

    pub(crate) fn take(&self) -> Result<Slot, Refused> {
        let more = |taken| (taken < self.most).then_some(taken + 1);
        let order = Ordering::Relaxed;
        match self.taken.fetch_update(order, order, more) {
            Ok(_) => Ok(Slot(Arc::clone(&self.taken))),
            Err(_) => Err(Refused::Full(self.most)),
        }
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_until_a_place_is_free() {
        let slots = Slots::new(2);
        let first = slots.take().expect("free");
        let second = slots.take().expect("free");
        assert_eq!(slots.take().err(), Some(Refused::Full(2)));
        drop(first);
        assert_eq!(slots.taken(), 1);
        assert!(slots.take().is_ok());
        drop(second);
        assert_eq!(slots.taken(), 0);
    }
}
