//! What an engine is asked, and what it tells of it.

use flamingo_sequence::{Candidates, Document};

use crate::decoding::Decoding;
use crate::{Answer, Error, RankBy, Scores, Token};

/// A request's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub(crate) u64);

/// What an engine can be asked.
#[derive(Debug, Clone)]
pub enum Request {
    /// To answer a prompt.
    Generate {
        /// The prompt.
        prompt: Document,
        /// How.
        decoding: Decoding,
        /// Which random numbers are its own: its number in a job, say.
        stream: u64,
    },
    /// To score what may follow a prompt.
    Score {
        /// The prompt and its candidates.
        candidates: Candidates,
        /// What they are ranked by.
        by: RankBy,
    },
}

/// What happened to a request.
#[derive(Debug)]
pub enum Event {
    /// A piece of an answer, as soon as it is certain.
    Text {
        /// Of which request.
        request: RequestId,
        /// Which of its answers.
        answer: usize,
        /// The piece.
        text: String,
        /// The tokens that were drawn since the last piece; those of what is held back, because a
        /// stop text may begin there, come before their text.
        tokens: Vec<Token>,
    },
    /// All answers are there; the request is over.
    Answered {
        /// Which request.
        request: RequestId,
        /// Its answers.
        answers: Vec<Answer>,
    },
    /// The scores are there; the request is over.
    Scored {
        /// Which request.
        request: RequestId,
        /// Its scores.
        scores: Scores,
    },
    /// The request cannot be answered; it is over.
    Failed {
        /// Which request.
        request: RequestId,
        /// Why.
        error: Error,
    },
}

impl Event {
    /// The request that this is about.
    pub fn request(&self) -> RequestId {
        match self {
            Event::Text { request, .. }
            | Event::Answered { request, .. }
            | Event::Scored { request, .. }
            | Event::Failed { request, .. } => *request,
        }
    }
}
