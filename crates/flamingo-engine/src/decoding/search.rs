//! The search: rows of tokens, continued until they end.

use std::ops::{ControlFlow, Range};

use crate::decoding::processors::Processors;
use crate::decoding::sampling::{log_softmax, softmax, warp};
use crate::decoding::{Decoded, Decoding, Drawn, OptionError, SearchError, Searching, Vocabulary};

/// Something that keeps a set of rows of tokens and knows the logits of what follows each.
///
/// The first set is the prompts, one row each.
pub trait NextLogits {
    /// What can go wrong.
    type Error;

    /// Makes a new set of rows and returns the logits of what follows each.
    ///
    /// New row `i` is old row `parents[i]` and `tokens[i]`. Rows that no parent names are dropped;
    /// rows named twice are doubled.
    ///
    /// # Errors
    /// If the model fails.
    fn advance(&mut self, parents: &[usize], tokens: &[u32]) -> Result<Vec<Vec<f32>>, Self::Error>;
}

/// The beginning of a row.
#[derive(Debug, Clone, Copy)]
pub struct Prompt<'a> {
    /// Its ids, with the padding on the left that `generate()` would be given: the rules read it.
    pub ids: &'a [u32],
    /// Which random numbers are its own: its number in the whole job, say, so that its answers do
    /// not depend on the batch it is in.
    pub stream: u64,
}

/// A token, as soon as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The prompt's place in the batch.
    pub prompt: usize,
    /// Which of the prompt's answers.
    pub sequence: usize,
    /// The token.
    pub token: Drawn,
}

/// Is given each token; `Break` ends its answer.
pub type OnToken<'a> = dyn FnMut(Step) -> ControlFlow<()> + 'a;

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

    /// The answers to each prompt, of which `first` are the logits.
    ///
    /// Tokens are given to `on_token` as they come, except with beams, where none is certain
    /// before the end. Rows that have ended are not advanced.
    ///
    /// # Errors
    /// If the model fails or returns other than a row of logits for each row, or a token is none
    /// of the vocabulary.
    pub fn run<M: NextLogits>(
        &self,
        model: &mut M,
        prompts: &[Prompt<'_>],
        first: Vec<Vec<f32>>,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Vec<Decoded>>, SearchError<M::Error>> {
        check_rows(&first, prompts.len())?;
        let Some(vocabulary) = first.first().map(Vec::len) else {
            return Ok(Vec::new());
        };
        let mut all = prompts
            .iter()
            .map(|prompt| Searching::new(self, *prompt, vocabulary))
            .collect::<Result<Vec<_>, _>>()?;
        // The rows of each prompt in the last logits.
        let mut places: Vec<Range<usize>> = (0..prompts.len()).map(|i| i..i + 1).collect();
        let mut logits = first;
        loop {
            let (mut parents, mut tokens) = (Vec::new(), Vec::new());
            for (prompt, (searching, places)) in all.iter_mut().zip(&mut places).enumerate() {
                if places.start < places.end {
                    searching.take(self, &logits[places.clone()], &mut |sequence, token| {
                        on_token(Step {
                            prompt,
                            sequence,
                            token,
                        })
                    });
                }
                let next = searching.next(self).unwrap_or_default();
                let start = parents.len();
                parents.extend(next.0.iter().map(|parent| places.start + parent));
                tokens.extend(next.1);
                *places = start..parents.len();
            }
            if parents.is_empty() {
                break;
            }
            logits = advance(model, &parents, &tokens, vocabulary)?;
        }
        let finish = |searching: Searching| searching.finish(self);
        Ok(all.into_iter().map(finish).collect())
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

/// Advances the model and checks what it returns against the size of the vocabulary.
fn advance<M: NextLogits>(
    model: &mut M,
    parents: &[usize],
    tokens: &[u32],
    vocabulary: usize,
) -> Result<Vec<Vec<f32>>, SearchError<M::Error>> {
    let rows = model.advance(parents, tokens).map_err(SearchError::Model)?;
    check_rows(&rows, parents.len())?;
    match rows.first().map(Vec::len) {
        Some(got) if got != vocabulary => Err(SearchError::Vocabulary {
            wanted: vocabulary,
            got,
        }),
        _ => Ok(rows),
    }
}

fn check_rows<E>(rows: &[Vec<f32>], wanted: usize) -> Result<(), SearchError<E>> {
    if rows.len() != wanted {
        let got = rows.len();
        return Err(SearchError::Rows { wanted, got });
    }
    let wanted = rows.first().map_or(0, Vec::len);
    match rows
        .iter()
        .map(Vec::len)
        .find(|&got| got != wanted || got == 0)
    {
        Some(got) => Err(SearchError::Vocabulary { wanted, got }),
        None => Ok(()),
    }
}
