//! What a server or a store gives when it is asked for a file.

use std::io::Read;

/// What is sent.
pub(super) struct Answer {
    pub(super) start: Start,
    /// Bytes of the whole file, if they are told.
    pub(super) total: Option<u64>,
    pub(super) body: Box<dyn Read>,
}

/// Where an answer begins.
pub(super) enum Start {
    /// At the first byte of a file that can be told from a later one by this mark, if there is one.
    Anew(Option<String>),
    /// At the byte that was asked for.
    There,
    /// There is nothing from that byte on: not the file that was begun.
    Nowhere,
}

/// Why a try did not bring the whole file.
pub(super) struct Failure {
    pub(super) problem: String,
    /// Another try would bring the same.
    pub(super) is_lasting: bool,
}

impl Failure {
    pub(super) fn passing(problem: impl ToString) -> Self {
        Self {
            problem: problem.to_string(),
            is_lasting: false,
        }
    }

    pub(super) fn lasting(problem: impl ToString) -> Self {
        Self {
            problem: problem.to_string(),
            is_lasting: true,
        }
    }
}
