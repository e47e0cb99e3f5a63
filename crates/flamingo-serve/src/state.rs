//! What all handlers share.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use flamingo_image::Fit;
use flamingo_kernels::Device;
use flamingo_sequence::Tokenizer;

use crate::body::Budget;
use crate::job::Refused;
use crate::key::ApiKey;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::shots::ShotSets;
use crate::template::Template;
use crate::wanted::Getter;
use crate::worker::Queue;

/// A server's parts.
pub(crate) struct State {
    pub(crate) model: ServedModel,
    pub(crate) limits: Limits,
    pub(crate) template: Template,
    pub(crate) key: Option<ApiKey>,
    pub(crate) queue: Queue,
    pub(crate) getter: Getter,
    pub(crate) shots: ShotSets,
    pub(crate) bodies: Budget,
    pub(crate) metrics: Arc<Metrics>,
    /// Set once the server is told to end.
    pub(crate) ending: AtomicBool,
    pub(crate) ids: Ids,
    /// On which vectors are compared.
    pub(crate) device: Device,
}

/// What is told of the model.
pub(crate) struct ServedModel {
    pub(crate) name: String,
    /// When it was loaded, in seconds since 1970.
    pub(crate) created: u64,
    pub(crate) tokenizer: Arc<Tokenizer>,
    /// Tokens that it has places for.
    pub(crate) places: Option<usize>,
    /// Tokens that end an answer.
    pub(crate) ends: Vec<u32>,
    /// How a picture is made square.
    pub(crate) fit: Fit,
    /// How far its gated blocks are open.
    pub(crate) gates: Vec<[f32; 2]>,
}

impl State {
    /// Why there is no place in the queue, or the engine cannot be asked.
    pub(crate) fn refuse(&self, refused: Refused) -> Refusal {
        match refused {
            Refused::Full(most) => {
                let [waiting, _] = self.queue.load();
                let message = format!(
                    "the queue holds {waiting} requests, the most is {most}: ask again in a while"
                );
                Refusal::new(StatusCode::TOO_MANY_REQUESTS, message)
                    .called("queue_full")
                    .again_after(self.metrics.mean_seconds())
            }
            Refused::Ended => Refusal::ending(),
            Refused::Broken => Refusal::ours("the engine failed on this request: this is a bug"),
        }
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }
}

/// Names for requests, not to be guessed from one another's.
pub(crate) struct Ids {
    random: RandomState,
    next: AtomicU64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self {
            random: RandomState::new(),
            next: AtomicU64::new(0),
        }
    }

    pub(crate) fn next(&self, kind: &str) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let part = |of: u64| {
            let mut hasher = self.random.build_hasher();
            hasher.write_u64(number);
            hasher.write_u64(of);
            hasher.finish()
        };
        format!("{kind}{:016x}{:016x}", part(0), part(1))
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
