//! The search: rows of tokens, continued until they end.

use std::ops::ControlFlow;

use rand_chacha::ChaCha8Rng;

use crate::decoding::beams;
use crate::decoding::processors::Processors;
use crate::decoding::sampling::{draw, likeliest, log_softmax, numbers, softmax, warp};
use crate::decoding::{Decoded, Decoding, Drawn, Ending, OptionError, SearchError, Vocabulary};

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

/// An answer on its way.
struct Row {
    prompt: usize,
    sequence: usize,
    ids: Vec<u32>,
    tokens: Vec<Drawn>,
    rng: ChaCha8Rng,
    ending: Option<Ending>,
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
        let Some(row) = first.first() else {
            return Ok(Vec::new());
        };
        self.check_vocabulary(prompts, row.len())?;
        if self.options.num_beams > 1 {
            return beams::run(self, model, prompts, first);
        }
        self.run_rows(model, prompts, first, on_token)
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

    fn check_vocabulary(&self, prompts: &[Prompt<'_>], size: usize) -> Result<(), OptionError> {
        self.processors.check(size)?;
        if size < self.least_kept() {
            let wanted = format!("1, as the vocabulary has only {size} tokens");
            return Err(OptionError::new(
                "num_beams",
                self.options.num_beams,
                wanted,
            ));
        }
        let ids = prompts.iter().flat_map(|prompt| prompt.ids);
        match ids.max() {
            Some(&id) if id as usize >= size => {
                let wanted = format!("ids below {size}, the size of the vocabulary");
                Err(OptionError::new("prompt", format!("id {id}"), wanted))
            }
            _ => Ok(()),
        }
    }

    /// Greedy search and sampling: rows that know nothing of each other.
    fn run_rows<M: NextLogits>(
        &self,
        model: &mut M,
        prompts: &[Prompt<'_>],
        first: Vec<Vec<f32>>,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Vec<Decoded>>, SearchError<M::Error>> {
        let answers = self.options.num_return_sequences;
        let mut rows: Vec<Row> = (0..prompts.len() * answers)
            .map(|i| self.begin(prompts, i / answers, i % answers))
            .collect();
        let mut logits = first;
        // Rows on their way, each with its place in `logits`.
        let mut going: Vec<(usize, usize)> =
            rows.iter().map(|row| row.prompt).enumerate().collect();
        loop {
            for &(row, place) in &going {
                self.extend(&mut rows[row], &logits[place], on_token);
            }
            going.retain(|(row, _)| rows[*row].ending.is_none());
            if going.is_empty() {
                break;
            }
            let parents: Vec<usize> = going.iter().map(|(_, place)| *place).collect();
            let last = |(row, _): &(usize, usize)| rows[*row].ids.last().copied();
            let tokens: Vec<u32> = going.iter().filter_map(last).collect();
            logits = advance(model, &parents, &tokens, logits[0].len())?;
            for (place, row) in going.iter_mut().enumerate() {
                row.1 = place;
            }
        }
        Ok(collect(rows, prompts.len()))
    }

    fn begin(&self, prompts: &[Prompt<'_>], prompt: usize, sequence: usize) -> Row {
        let Prompt { ids, stream } = prompts[prompt];
        Row {
            prompt,
            sequence,
            ids: ids.to_vec(),
            tokens: Vec::new(),
            rng: numbers(self.options.seed, stream, sequence),
            ending: None,
        }
    }

    /// Takes one token into the row.
    fn extend(&self, row: &mut Row, logits: &[f32], on_token: &mut OnToken<'_>) {
        let scores = self.adjusted(&row.ids, row.tokens.len(), logits.to_vec());
        let id = match self.options.draws() {
            true => draw(&scores, &mut row.rng),
            false => likeliest(&scores),
        };
        let logprob = log_softmax(logits)[id];
        let id = id as u32;
        let token = Drawn { id, logprob };
        row.ids.push(id);
        row.tokens.push(token);
        let flow = on_token(Step {
            prompt: row.prompt,
            sequence: row.sequence,
            token,
        });
        row.ending = if self.vocabulary.eos.contains(&id) {
            Some(Ending::Eos)
        } else if flow.is_break() {
            Some(Ending::Stopped)
        } else {
            (row.tokens.len() == self.options.max_new_tokens).then_some(Ending::Length)
        };
    }
}

/// The rows of each prompt.
fn collect(rows: Vec<Row>, prompts: usize) -> Vec<Vec<Decoded>> {
    let mut answers: Vec<Vec<Decoded>> = vec![Vec::new(); prompts];
    for row in rows {
        answers[row.prompt].push(Decoded {
            tokens: row.tokens,
            score: None,
            ending: row.ending.unwrap_or(Ending::Length),
        });
    }
    answers
}

/// Advances the model and checks what it returns against the size of the vocabulary.
pub(crate) fn advance<M: NextLogits>(
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
