//! What a search goes by: its options, the rules for scores, and where each prompt begins.

use crate::decoding::processors::Processors;
use crate::decoding::sampling::{log_softmax, softmax, warp};
use crate::decoding::{Decoding, OptionError, Vocabulary};

/// The beginning of a row.
#[derive(Debug, Clone, Copy)]
pub struct Prompt<'a> {
    /// Its ids, with the padding on the left that `generate()` would be given: the rules read it.
    pub ids: &'a [u32],
    /// Which random numbers are its own: its number in the whole job, say, so that its answers do
    /// not depend on the batch it is in.
    pub stream: u64,
}

/// A search with its options.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    pub(crate) options: &'a Decoding,
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) processors: Processors<'a>,
}

impl<'a> Search<'a> {
    /// # Errors
    /// If an option lies outside its range.
    pub fn new(options: &'a Decoding, vocabulary: &'a Vocabulary) -> Result<Self, OptionError> {
        options.check()?;
        let processors = Processors::new(options, vocabulary);
        Ok(Self {
            options,
            vocabulary,
            processors,
        })
    }

    /// Probabilities that the next token is drawn by, after `ids`, whose last `generated` were
    /// generated: rules, temperature, `top_k` and `top_p` applied. Without a temperature, the
    /// rules alone.
    ///
    /// # Panics
    /// If an id, a rule's included, is none of the logits'.
    #[must_use]
    pub fn distribution(&self, ids: &[u32], generated: usize, logits: &[f32]) -> Vec<f32> {
        let scores = match self.options.num_beams {
            1 => logits.to_vec(),
            _ => log_softmax(logits),
        };
        softmax(&self.adjusted(ids, generated, scores))
    }

    /// Scores under the rules and, if tokens are drawn, the temperature, `top_k` and `top_p`.
    pub(crate) fn adjusted(&self, ids: &[u32], generated: usize, mut scores: Vec<f32>) -> Vec<f32> {
        self.processors.apply(ids, generated, &mut scores);
        if self.options.draws() {
            warp(self.options, self.least_kept(), &mut scores);
        }
        scores
    }

    /// How many tokens of each beam it takes to have one at least that does not end it.
    pub(crate) fn least_kept(&self) -> usize {
        match self.options.num_beams {
            1 => 1,
            _ => (self.vocabulary.eos.len() + 1).max(2),
        }
    }

    pub(crate) fn check_vocabulary(
        &self,
        prompt: Prompt<'_>,
        size: usize,
    ) -> Result<(), OptionError> {
        self.processors.check(size)?;
        if size < self.least_kept() {
            let wanted = format!("1, as the vocabulary has only {size} tokens");
            return Err(OptionError::new(
                "num_beams",
                self.options.num_beams,
                wanted,
            ));
        }
        match prompt.ids.iter().max() {
            Some(&id) if id as usize >= size => {
                let wanted = format!("ids below {size}, the size of the vocabulary");
                Err(OptionError::new("prompt", format!("id {id}"), wanted))
            }
            _ => Ok(()),
        }
    }
}
