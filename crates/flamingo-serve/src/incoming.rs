//! A request whose body is read.

use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;

use crate::body::Share;
use crate::fields::parse;
use crate::job::{Telling, Told};
use crate::refusal::Refusal;
use crate::running::Asked;
use crate::state::State;

/// A request as handlers take it.
pub(crate) struct Incoming {
    pub(crate) body: Vec<u8>,
    /// What of the server's memory it takes.
    pub(crate) share: Arc<Share>,
    pub(crate) started: Instant,
    pub(crate) deadline: Instant,
    /// Whether only its prompt is to be shown.
    pub(crate) echo: bool,
    /// Whether the body is a JSON document a line.
    pub(crate) is_lines: bool,
}

impl Incoming {
    /// # Errors
    /// If the body is no JSON.
    pub(crate) fn json(&self, state: &State) -> Result<Value, Refusal> {
        parse(&self.body, state.limits.values)
    }

    /// What follows it into the engine.
    pub(crate) fn asked(&self, param: &'static str, telling: Telling) -> Asked {
        Asked {
            told: Told {
                telling,
                started: self.started,
            },
            deadline: self.deadline,
            _share: Arc::clone(&self.share),
            param,
        }
    }
}
