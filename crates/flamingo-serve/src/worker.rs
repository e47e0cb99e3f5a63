//! The engine on a thread of its own: requests, of which there is a bounded number, come in through one channel, what becomes
//! of each goes out through a channel of its own.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use flamingo_engine::{Engine, Event, MediaSource, Request, RequestId};
use tokio::sync::{mpsc, oneshot};

use crate::job::{Happened, Job, Refused, Slot, Slots, Telling, Told};
use crate::metrics::Metrics;

/// How long an idle engine waits at most for those to ask again who were answered together.
const MOST_WAITED: Duration = Duration::from_millis(5);

/// What the thread is asked to do.
enum Command {
    Start(Box<Start>),
    /// Anything else with the engine, between two steps.
    Do(Task),
}

type Task = Box<dyn FnOnce(&mut Engine, &dyn MediaSource) + Send>;

struct Start {
    request: Request,
    live: Live,
}

/// A request that the engine has, or is about to have.
struct Live {
    told: Told,
    events: mpsc::UnboundedSender<Happened>,
    gone: Arc<AtomicBool>,
    /// Whether a piece of its answer is there.
    begun: bool,
    _slot: Slot,
}

/// The engine's side: [`Worker::run`] is its thread.
pub struct Worker {
    engine: Engine,
    media: Arc<dyn MediaSource + Send + Sync>,
    commands: Receiver<Command>,
    live: HashMap<RequestId, Live>,
    metrics: Arc<Metrics>,
    last: Option<Last>,
    _alive: Arc<()>,
}

/// What the last step did.
struct Last {
    /// How many requests were over with it.
    over: usize,
    /// Until when they are waited for.
    until: Instant,
}

/// The server's side, by which requests are handed over.
#[derive(Clone)]
pub(crate) struct Queue {
    commands: Sender<Command>,
    slots: Slots,
    /// Of the worker, to see whether it is there.
    alive: Weak<()>,
}

impl Worker {
    pub(crate) fn new(
        engine: Engine,
        media: Arc<dyn MediaSource + Send + Sync>,
        most: usize,
        metrics: Arc<Metrics>,
    ) -> (Self, Queue) {
        // Slots bound how many requests there are, and connections how many tasks.
        let (sender, commands) = channel();
        let alive = Arc::new(());
        let queue = Queue {
            commands: sender,
            slots: Slots::new(most),
            alive: Arc::downgrade(&alive),
        };
        let worker = Self {
            engine,
            media,
            commands,
            live: HashMap::new(),
            metrics,
            last: None,
            _alive: alive,
        };
        (worker, queue)
    }

    /// Works until the server is gone and all that it asked for is answered. Blocks: to be run by a thread that may
    /// compute, and not by one of the server's.
    pub fn run(mut self) {
        loop {
            if self.live.is_empty() {
                match self.commands.recv() {
                    Ok(command) => self.take(command),
                    Err(_) => return,
                }
            }
            while let Ok(command) = self.commands.try_recv() {
                self.take(command);
            }
            self.gather();
            self.forget_gone();
            if !self.live.is_empty() {
                self.step();
            }
            self.metrics.engine(&self.engine, self.live.len());
        }
    }

    /// Who was answered together asks again together: an engine that writes nothing waits for them a little, at most for
    /// the time of a step, and reads them in one pass instead of the first alone. One client at a time never waits.
    fn gather(&mut self) {
        let Some(Last { over, until }) = self.last.take() else {
            return;
        };
        while self.live.len() < over && self.engine.rows() == 0 {
            let left = until.saturating_duration_since(Instant::now());
            match self.commands.recv_timeout(left) {
                Ok(command) => self.take(command),
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Start(start) => self.start(*start),
            Command::Do(task) => {
                let (engine, media) = (&mut self.engine, &*self.media);
                if catch_unwind(AssertUnwindSafe(|| task(engine, media))).is_err() {
                    self.start_afresh();
                }
            }
        }
    }

    fn start(&mut self, Start { request, live }: Start) {
        if live.gone.load(Ordering::Relaxed) {
            return;
        }
        let engine = &mut self.engine;
        // Who has gone meanwhile is forgotten before the next step.
        match catch_unwind(AssertUnwindSafe(|| engine.submit(request))) {
            Ok(Ok(request)) => {
                if live.told.telling == Telling::Pieces {
                    let _ = live.events.send(Happened::Accepted);
                }
                self.live.insert(request, live);
            }
            Ok(Err(error)) => {
                let _ = live.events.send(Happened::Failed(error));
            }
            Err(_) => {
                self.start_afresh();
                let _ = live.events.send(Happened::Broken);
            }
        }
    }

    /// Frees what requests hold whose client has gone.
    fn forget_gone(&mut self) {
        let gone = |(request, live): (&RequestId, &Live)| {
            live.gone.load(Ordering::Relaxed).then_some(*request)
        };
        let requests: Vec<RequestId> = self.live.iter().filter_map(gone).collect();
        for request in requests {
            self.engine.cancel(request);
            self.live.remove(&request);
            self.metrics.cancelled();
        }
    }

    fn step(&mut self) {
        let (started, before) = (Instant::now(), self.live.len());
        let (engine, media) = (&mut self.engine, &*self.media);
        match catch_unwind(AssertUnwindSafe(|| engine.step(media))) {
            Ok(events) => events.into_iter().for_each(|event| self.tell(event)),
            Err(_) => self.start_afresh(),
        }
        self.last = Some(Last {
            over: before - self.live.len(),
            until: Instant::now() + started.elapsed().min(MOST_WAITED),
        });
    }

    fn tell(&mut self, event: Event) {
        let request = event.request();
        if let (Event::Text { .. }, Some(live)) = (&event, self.live.get_mut(&request)) {
            if !std::mem::replace(&mut live.begun, true) {
                self.metrics.first_piece(live.told.started.elapsed());
            }
            if live.told.telling == Telling::Whole {
                return;
            }
        }
        let (happened, is_over) = match event {
            Event::Text {
                answer,
                text,
                tokens,
                ..
            } => {
                let happened = Happened::Text {
                    answer,
                    text,
                    tokens,
                };
                (happened, false)
            }
            Event::Answered { answers, .. } => (Happened::Answered(answers), true),
            Event::Scored { scores, .. } => (Happened::Scored(scores), true),
            Event::Failed { error, .. } => (Happened::Failed(error), true),
        };
        if let Some(live) = self.live.get(&request) {
            let _ = live.events.send(happened);
        }
        if is_over {
            self.live.remove(&request);
        }
    }

    /// After a panic, which is a bug of ours: all requests fail, and nothing of what was kept is trusted.
    fn start_afresh(&mut self) {
        tracing::error!("the engine failed on a request: all that were being answered are dropped");
        for (request, live) in self.live.drain() {
            self.engine.cancel(request);
            let _ = live.events.send(Happened::Broken);
        }
        self.engine.clear_caches();
    }
}

impl Queue {
    /// Puts a request into the queue.
    ///
    /// # Errors
    /// If the queue is full, or the engine has ended.
    pub(crate) fn start(&self, request: Request, told: Told) -> Result<Job, Refused> {
        let slot = self.slots.take()?;
        let (sender, events) = mpsc::unbounded_channel();
        let gone = Arc::new(AtomicBool::new(false));
        let live = Live {
            told,
            events: sender,
            gone: Arc::clone(&gone),
            begun: false,
            _slot: slot,
        };
        let start = Start { request, live };
        match self.commands.send(Command::Start(Box::new(start))) {
            Ok(()) => Ok(Job::new(events, gone)),
            Err(_) => Err(Refused::Ended),
        }
    }

    /// Does something with the engine between two steps.
    ///
    /// # Errors
    /// If the engine has ended, or failed on it.
    pub(crate) async fn engine<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Engine, &dyn MediaSource) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (sender, result) = oneshot::channel();
        let task = Command::Do(Box::new(move |engine, media| {
            let _ = sender.send(task(engine, media));
        }));
        self.commands.send(task).map_err(|_| Refused::Ended)?;
        result.await.map_err(|_| Refused::Broken)
    }

    /// Whether the engine still takes requests.
    pub(crate) fn is_open(&self) -> bool {
        self.alive.strong_count() > 0
    }

    /// How many requests there are, and how many there may be.
    pub(crate) fn load(&self) -> [usize; 2] {
        [self.slots.taken(), self.slots.most()]
    }
}
