//! Rows of a source that is read while the training goes. A thread of its own stays some batches ahead: it draws the
//! samples, makes sequences of them, and decodes and changes the pictures that these show.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use flamingo_data::{Framing, Sample, Stream, stream};
use flamingo_film::Reader;
use flamingo_image::{Media, Wanted};
use flamingo_sequence::{Document, MediaKind, Tokenizer};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::features::Preparing;
use crate::rows::{Medium, Row};
use crate::{DataSpec, Error, Result, prompt};

/// Batches that wait to be trained on.
pub(crate) const AHEAD: usize = 2;
/// So many samples in a row that cannot be used are one source that cannot.
const TRIES: u64 = 100;

/// A source that is read while the training goes.
pub(crate) struct Streamed {
    drawing: Arc<Drawing>,
    ahead: Mutex<Option<Ahead>>,
}

/// What it takes to make rows, on any thread.
pub(crate) struct Drawing {
    pub(crate) spec: DataSpec,
    pub(crate) seed: u64,
    pub(crate) stream: Arc<Stream>,
    pub(crate) framing: Framing,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) reader: Reader,
    pub(crate) wanted: Wanted,
    pub(crate) preparing: Arc<Preparing>,
    /// Threads that decode; 0 for all.
    pub(crate) threads: usize,
    /// Those of each batch that are made.
    pub(crate) rows: Range<u64>,
}

/// The thread that is ahead.
struct Ahead {
    /// The batch that comes next.
    next: u64,
    batches: Receiver<Result<Vec<Row>>>,
    thread: JoinHandle<()>,
}

impl Streamed {
    pub(crate) fn new(drawing: Drawing) -> Self {
        Self {
            drawing: Arc::new(drawing),
            ahead: Mutex::new(None),
        }
    }

    /// Batch `number`: the next one is there or on its way, another one is begun with.
    pub(crate) fn batch(&self, number: u64) -> Result<Vec<Row>> {
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

impl Ahead {
    fn begin(drawing: Arc<Drawing>, number: u64) -> Result<Self> {
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

impl Drawing {
    fn batch(&self, number: u64, pool: &ThreadPool) -> Result<Vec<Row>> {
        let rows = self.rows.clone();
        pool.install(|| {
            rows.into_par_iter()
                .map(|row| self.row(number, row))
                .collect()
        })
    }

    /// Row `row` of batch `number`; a sample that cannot be used is counted, and another one takes its place.
    fn row(&self, number: u64, row: u64) -> Result<Row> {
        let place = number * self.spec.batch as u64 + row;
        let mut last = String::new();
        for attempt in 0..TRIES {
            let sample = self.stream.sample(place, attempt)?;
            match self.made_of(&sample, number, row) {
                Ok(row) => return Ok(row),
                Err(error) => {
                    self.stream.leave_out(&sample, error.reason(), &error);
                    last = error.to_string();
                }
            }
        }
        Err(Error::contradiction(format!(
            "source {:?}: {TRIES} samples in a row cannot be used, the last one because {last}; see the warnings above",
            self.spec.name
        )))
    }

    fn made_of(&self, sample: &Sample, number: u64, row: u64) -> flamingo_data::Result<Row> {
        let mut rng = stream(self.seed, &self.spec.name, &[number, row]);
        let prompt = self.spec.prompt.as_deref();
        let (example, asking) = prompt::example(
            &sample.document,
            prompt,
            &self.framing,
            &self.tokenizer,
            &mut rng,
        )?;
        let all = places(&sample.document);
        let mut media = BTreeMap::new();
        for medium in &example.sequence.media {
            let (kind, place) = all[*medium];
            let loaded = sample.base.load(place, kind, &self.reader, &self.wanted)?;
            // One change for all frames of a film.
            let numbers = [number, row, *medium as u64];
            let changed = |image| {
                let mut rng = stream(self.seed, "augment", &numbers);
                self.spec.augment.apply(image, &mut rng)
            };
            let loaded = match loaded {
                Media::Image(image) => Media::Image(changed(&image)),
                Media::Film(mut film) => {
                    film.frames = film.frames.iter().map(changed).collect();
                    Media::Film(film)
                }
            };
            media.insert(*medium, Medium::Prepared(self.preparing.prepare(loaded)));
        }
        Ok(Row {
            example,
            asking,
            media,
        })
    }
}

/// Where a document's media are.
fn places(document: &Document) -> Vec<(MediaKind, &str)> {
    let media = document.media();
    media.map(|(_, kind, place)| (kind, place)).collect()
}
