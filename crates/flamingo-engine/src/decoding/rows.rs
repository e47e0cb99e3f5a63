//! Greedy search and sampling: rows that know nothing of each other.

use std::ops::ControlFlow;

use flamingo_kernels::{largest, log_sum_exp};
use rand_chacha::ChaCha8Rng;

use crate::decoding::sampling::{draw, likeliest, numbers};
use crate::decoding::{Decoded, Drawn, Ending, Prompt, Search};

/// The answers to one prompt.
pub(crate) struct Rows {
    rows: Vec<Row>,
    /// Those on their way, each with the place of its logits.
    going: Vec<(usize, usize)>,
}

/// An answer on its way.
struct Row {
    ids: Vec<u32>,
    tokens: Vec<Drawn>,
    rng: ChaCha8Rng,
    ending: Option<Ending>,
}

impl Rows {
    pub(crate) fn new(search: &Search<'_>, prompt: Prompt<'_>) -> Self {
        let answers = search.options.num_return_sequences;
        let row = |sequence: usize| Row {
            ids: prompt.ids.to_vec(),
            tokens: Vec::new(),
            rng: numbers(search.options.seed, prompt.stream, sequence),
            ending: None,
        };
        Self {
            rows: (0..answers).map(row).collect(),
            going: (0..answers).map(|row| (row, 0)).collect(),
        }
    }

    /// As of [`crate::decoding::beams::Beams::next`].
    pub(crate) fn next(&mut self) -> Option<(Vec<usize>, Vec<u32>)> {
        if self.going.is_empty() {
            return None;
        }
        let parents = self.going.iter().map(|(_, place)| *place).collect();
        let last = |(row, _): &(usize, usize)| self.rows[*row].ids.last().copied();
        let tokens = self.going.iter().filter_map(last).collect();
        for (place, row) in self.going.iter_mut().enumerate() {
            row.1 = place;
        }
        Some((parents, tokens))
    }

    /// Takes a token into each row on its way.
    pub(crate) fn step(
        &mut self,
        search: &Search<'_>,
        logits: &[Vec<f32>],
        on_token: &mut dyn FnMut(usize, Drawn) -> ControlFlow<()>,
    ) {
        for &(row, place) in &self.going {
            self.rows[row].extend(search, &logits[place], &mut |token| on_token(row, token));
        }
        let rows = &self.rows;
        self.going.retain(|(row, _)| rows[*row].ending.is_none());
    }

    pub(crate) fn finish(self) -> Vec<Decoded> {
        let decoded = |row: Row| Decoded {
            tokens: row.tokens,
            score: None,
            ending: row.ending.unwrap_or(Ending::Length),
        };
        self.rows.into_iter().map(decoded).collect()
    }
}

impl Row {
    fn extend(
        &mut self,
        search: &Search<'_>,
        logits: &[f32],
        on_token: &mut dyn FnMut(Drawn) -> ControlFlow<()>,
    ) {
        let scores = search.adjusted(&self.ids, self.tokens.len(), logits.to_vec());
        let id = match search.options.draws() {
            true => draw(&scores, &mut self.rng),
            false => likeliest(&scores),
        };
        let (highest, log_sum) = log_sum_exp(logits);
        let logprob = |id: usize| logits[id] - highest - log_sum;
        let top = match search.options.top_logprobs {
            0 => Vec::new(),
            count => largest(logits, count),
        };
        let token = Drawn {
            logprob: logprob(id),
            top: top.into_iter().map(|i| (i as u32, logprob(i))).collect(),
            id: id as u32,
        };
        let id = token.id;
        self.ids.push(id);
        self.tokens.push(token.clone());
        let flow = on_token(token);
        self.ending = if search.vocabulary.eos.contains(&id) {
            Some(Ending::Eos)
        } else if flow.is_break() {
            Some(Ending::Stopped)
        } else {
            (self.tokens.len() == search.options.max_new_tokens).then_some(Ending::Length)
        };
    }
}
