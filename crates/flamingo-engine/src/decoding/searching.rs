//! The search for the answers to one prompt, a step at a time.

use std::ops::ControlFlow;

use crate::decoding::beams::Beams;
use crate::decoding::rows::Rows;
use crate::decoding::{Decoded, Drawn, OptionError, Prompt, Search};

/// A search that waits for logits. It holds nothing of the model: whoever runs it may advance the
/// rows of many prompts together.
pub struct Searching {
    state: State,
}

enum State {
    Rows(Rows),
    Beams(Box<Beams>),
}

impl Searching {
    /// A search whose first logits are those of what follows the prompt: one row of `vocabulary`.
    ///
    /// # Errors
    /// If an id, a rule's included, is none of the vocabulary's.
    pub fn new(
        search: &Search<'_>,
        prompt: Prompt<'_>,
        vocabulary: usize,
    ) -> Result<Self, OptionError> {
        search.check_vocabulary(prompt, vocabulary)?;
        let state = match search.options.num_beams {
            1 => State::Rows(Rows::new(search, prompt)),
            _ => State::Beams(Box::new(Beams::new(search, prompt))),
        };
        Ok(Self { state })
    }

    /// Takes the logits of the rows asked for, in their order. `on_token` is given the tokens drawn,
    /// with the number of the answer among the prompt's; `Break` ends that answer. Of beams it is
    /// given none.
    pub fn take(
        &mut self,
        search: &Search<'_>,
        logits: &[Vec<f32>],
        on_token: &mut dyn FnMut(usize, Drawn) -> ControlFlow<()>,
    ) {
        match &mut self.state {
            State::Rows(rows) => rows.step(search, logits, on_token),
            State::Beams(beams) => beams.step(search, logits),
        }
    }

    /// The rows whose logits are wanted next: which of the last rows each continues, and by which
    /// token. None if the search is over.
    pub fn next(&mut self, search: &Search<'_>) -> Option<(Vec<usize>, Vec<u32>)> {
        match &mut self.state {
            State::Rows(rows) => rows.next(),
            State::Beams(beams) => beams.next(search),
        }
    }

    /// The answers.
    pub fn finish(self, search: &Search<'_>) -> Vec<Decoded> {
        match self.state {
            State::Rows(rows) => rows.finish(),
            State::Beams(beams) => beams.finish(search),
        }
    }
}
