//! Beam search and beam sampling (`BeamSearchScorer`).
//!
//! Sampled beams have as many candidates as in transformers 4.45.2; 4.35.2 draws fewer with several
//! ends of text, and fails where all of them are ends.

use flamingo_kernels::largest;
use rand_chacha::ChaCha8Rng;

use crate::decoding::hypotheses::Hypotheses;
use crate::decoding::sampling::{draw_several, log_softmax, numbers};
use crate::decoding::{Decoded, Drawn, Ending, Prompt, Search};

/// What beams but the first begin with, so that all continue the first.
const OUTSIDE: f32 = -1e9;

/// The beams of one prompt.
pub(crate) struct Beams {
    running: Vec<Beam>,
    hypotheses: Hypotheses,
    steps: usize,
    done: bool,
    rng: ChaCha8Rng,
}

/// A row on its way.
#[derive(Clone)]
struct Beam {
    ids: Vec<u32>,
    tokens: Vec<Drawn>,
    /// Its log-probability under the rules.
    sum: f32,
    /// The row of logits of what follows.
    place: usize,
}

impl Beam {
    fn extended(&self, candidate: &Candidate) -> Self {
        let mut beam = self.clone();
        beam.ids.push(candidate.token.id);
        beam.tokens.push(candidate.token.clone());
        beam.sum = candidate.sum;
        beam
    }
}

/// A beam and a token that may continue it.
struct Candidate {
    beam: usize,
    token: Drawn,
    sum: f32,
}

impl Beams {
    pub(crate) fn new(search: &Search<'_>, prompt: Prompt<'_>) -> Self {
        let beam = |i: usize| Beam {
            ids: prompt.ids.to_vec(),
            tokens: Vec::new(),
            sum: if i == 0 { 0.0 } else { OUTSIDE },
            place: 0,
        };
        Self {
            running: (0..search.options.num_beams).map(beam).collect(),
            hypotheses: Hypotheses::new(prompt.ids.len()),
            steps: 0,
            done: false,
            rng: numbers(search.options.seed, prompt.stream, 0),
        }
    }

    /// The rows whose logits are wanted next: the rows that they continue, and by which tokens. None
    /// if there are none.
    pub(crate) fn next(&mut self, search: &Search<'_>) -> Option<(Vec<usize>, Vec<u32>)> {
        if self.done || self.steps == search.options.max_new_tokens {
            return None;
        }
        let parents = self.running.iter().map(|beam| beam.place).collect();
        let last = self.running.iter().filter_map(|beam| beam.ids.last());
        let tokens = last.copied().collect();
        for (place, beam) in self.running.iter_mut().enumerate() {
            beam.place = place;
        }
        Some((parents, tokens))
    }

    /// Continues the beams by a token each, and takes out those that end.
    pub(crate) fn step(&mut self, search: &Search<'_>, logits: &[Vec<f32>]) {
        self.steps += 1;
        let candidates = self.candidates(search, logits);
        let (count, options) = (self.running.len(), search.options);
        let eos = &search.vocabulary.eos;
        let mut next = Vec::with_capacity(count);
        for (rank, candidate) in candidates.iter().enumerate() {
            let ends = eos.contains(&candidate.token.id);
            if ends && rank >= count {
                continue;
            }
            let mut beam = self.running[candidate.beam].extended(candidate);
            if !ends {
                next.push(beam);
            } else if let Some(last) = beam.tokens.last_mut() {
                last.id = eos[0];
                self.hypotheses
                    .add(options, beam.sum, beam.tokens, Ending::Eos);
            }
            if next.len() == count {
                break;
            }
        }
        self.running = next;
        let best = candidates.first().map_or(f32::NEG_INFINITY, |c| c.sum);
        let generated = self.running.first().map_or(0, |beam| beam.tokens.len());
        self.done = self.hypotheses.done(options, best, generated);
    }

    /// So many that enough of them do not end, from the likeliest.
    fn candidates(&mut self, search: &Search<'_>, logits: &[Vec<f32>]) -> Vec<Candidate> {
        let rows = self
            .running
            .iter()
            .map(|beam| log_softmax(&logits[beam.place]));
        let logprobs: Vec<Vec<f32>> = rows.collect();
        let mut sums = Vec::new();
        for (beam, row) in self.running.iter().zip(&logprobs) {
            let scores = search.adjusted(&beam.ids, beam.tokens.len(), row.clone());
            sums.extend(scores.into_iter().map(|score| score + beam.sum));
        }
        let count = search.least_kept() * self.running.len();
        let chosen = match search.options.draws() {
            true => draw_several(&sums, count, &mut self.rng),
            false => largest(&sums, count),
        };
        let size = logprobs[0].len();
        let candidate = |i: usize| Candidate {
            beam: i / size,
            token: Drawn {
                id: (i % size) as u32,
                logprob: logprobs[i / size][i % size],
                top: Vec::new(),
            },
            sum: sums[i],
        };
        chosen.into_iter().map(candidate).collect()
    }

    /// The best, running beams included unless the prompt is done.
    pub(crate) fn finish(mut self, search: &Search<'_>) -> Vec<Decoded> {
        if !self.done {
            for beam in self.running {
                self.hypotheses
                    .add(search.options, beam.sum, beam.tokens, Ending::Length);
            }
        }
        self.hypotheses.best(search.options)
    }
}
