//! A source that is read while the training goes. A thread of its own stays some batches ahead: it draws the samples, and
//! makes rows of them.

use std::ops::Range;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use flamingo_data::{Sample, Stream};
use flamingo_film::Reader;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{DataSpec, Error, Result};

/// Batches that wait to be trained on.
pub(crate) const AHEAD: usize = 2;
/// So many samples in a row that cannot be used are one source that cannot.
const TRIES: u64 = 100;

/// How a sample becomes a row of a batch.
pub(crate) trait Make: Sized + Send + Sync + 'static {
    /// A row.
    type Row: Send + 'static;

    /// Row `row` of batch `number`, of this sample: on any thread.
    fn row(
        &self,
        drawing: &Drawing<Self>,
        sample: &Sample,
        number: u64,
        row: u64,
    ) -> Result<Self::Row, Unusable>;
}

/// Why a sample cannot be used.
pub(crate) struct Unusable {
    /// What it is counted as.
    pub(crate) reason: String,
    pub(crate) detail: String,
}

impl From<flamingo_data::Error> for Unusable {
    fn from(error: flamingo_data::Error) -> Self {
        Self {
            reason: error.reason().to_owned(),
            detail: error.to_string(),
        }
    }
}

/// A source that is read while the training goes.
pub(crate) struct Streamed<M: Make> {
    drawing: Arc<Drawing<M>>,
    ahead: Mutex<Option<Ahead<M::Row>>>,
}

/// What it takes to draw rows, on any thread.
pub(crate) struct Drawing<M> {
    pub(crate) spec: DataSpec,
    pub(crate) seed: u64,
    pub(crate) stream: Arc<Stream>,
    pub(crate) reader: Reader,
    /// Threads that decode; 0 for all.
    pub(crate) threads: usize,
    /// Those of each batch that are made.
    pub(crate) rows: Range<u64>,
    pub(crate) make: M,
}

/// The thread that is ahead.
struct Ahead<R> {
    /// The batch that comes next.
    next: u64,
    batches: Receiver<Result<Vec<R>>>,
    thread: JoinHandle<()>,
}

impl<M: Make> Streamed<M> {
    pub(crate) fn new(drawing: Drawing<M>) -> Self {
        Self {
            drawing: Arc::new(drawing),
            ahead: Mutex::new(None),
        }
    }

    /// Batch `number`: the next one is there or on its way, another one is begun with.
    pub(crate) fn batch(&self, number: u64) -> Result<Vec<M::Row>> {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let mut thread = match ahead.take().filter(|ahead| ahead.next == number) {
            Some(thread) => thread,
            None => Ahead::begin(self.drawing.clone(), number)?,
        };
        match thread.batches.recv() {
            Ok(batch) => {
                thread.next += 1;
                *ahead = Some(thread);
                batch
            }
            // It only ends before its receiver if it panicked.
            Err(_) => match thread.thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => unreachable!("it goes on as long as someone listens"),
            },
        }
    }
}

impl<R: Send + 'static> Ahead<R> {
    fn begin<M: Make<Row = R>>(drawing: Arc<Drawing<M>>, number: u64) -> Result<Self> {
        let cannot = |error: &dyn std::fmt::Display| {
            Error::contradiction(format!("a thread to read data cannot be started: {error}"))
        };
        let pool = ThreadPoolBuilder::new().num_threads(drawing.threads);
        let pool = pool.build().map_err(|error| cannot(&error))?;
        let (sender, batches) = sync_channel(AHEAD);
        let draw = move || {
            for number in number.. {
                if sender.send(drawing.batch(number, &pool)).is_err() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new().name("data".into()).spawn(draw);
        Ok(Self {
            next: number,
            batches,
            thread: thread.map_err(|error| cannot(&error))?,
        })
    }
}

impl<M: Make> Drawing<M> {
    fn batch(&self, number: u64, pool: &ThreadPool) -> Result<Vec<M::Row>> {
        let rows = self.rows.clone();
        pool.install(|| {
            rows.into_par_iter()
                .map(|row| self.row(number, row))
                .collect()
        })
    }

    /// Row `row` of batch `number`; a sample that cannot be used is counted, and another one takes its place.
    fn row(&self, number: u64, row: u64) -> Result<M::Row> {
        let place = number * self.spec.batch as u64 + row;
        let mut last = String::new();
        for attempt in 0..TRIES {
            let sample = self.stream.sample(place, attempt)?;
            match self.make.row(self, &sample, number, row) {
                Ok(row) => return Ok(row),
                Err(Unusable { reason, detail }) => {
                    self.stream.leave_out(&sample, &reason, &detail);
                    last = detail;
                }
            }
        }
        Err(Error::contradiction(format!(
            "source {:?}: {TRIES} samples in a row cannot be used, the last one because {last}; see the warnings above",
            self.spec.name
        )))
    }
}
