//! The queue: requests that wait, and those that are being answered.

use std::collections::VecDeque;

use flamingo_model::Branches;
use flamingo_sequence::{Document, Sequence};

use crate::answering::Answering;
use crate::decoding::Decoding;
use crate::prompt::Prepared;
use crate::scoring::Scoring;
use crate::{Event, RequestId};

/// A request that has not been read.
pub(crate) struct Waiting {
    pub(crate) request: RequestId,
    pub(crate) what: What,
    pub(crate) document: Document,
    pub(crate) sequence: Sequence,
    /// Once its turn has come, and it had to wait for another.
    pub(crate) prepared: Option<Prepared>,
}

/// What is to be done with it.
pub(crate) enum What {
    Generate { decoding: Decoding, stream: u64 },
    Score(Scoring),
}

impl What {
    /// What is read along with the prompt.
    pub(crate) fn branches(&self) -> Branches<'_> {
        match self {
            What::Generate { .. } => Branches::default(),
            What::Score(scoring) => scoring.branches(0),
        }
    }

    /// Rows that it will write at once.
    pub(crate) fn rows(&self) -> usize {
        match self {
            What::Generate { decoding, .. } => {
                decoding.num_beams.max(decoding.num_return_sequences)
            }
            What::Score(_) => 0,
        }
    }
}

/// Requests on their way.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) next: u64,
    pub(crate) waiting: VecDeque<Waiting>,
    pub(crate) answering: Vec<Answering>,
    /// For how many passes prompts were kept waiting for more of them.
    pub(crate) held: usize,
    /// Of requests that someone else waits for.
    pub(crate) events: Vec<Event>,
}
