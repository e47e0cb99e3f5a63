//! Beam search and beam sampling (`BeamSearchScorer`).
//!
//! Sampled beams have as many candidates as in transformers 4.45.2; 4.35.2 draws fewer with several
//! ends of text, and fails where all of them are ends.

use rand_chacha::ChaCha8Rng;

use crate::decoding::hypotheses::Hypotheses;
use crate::decoding::sampling::{draw_several, largest, log_softmax, numbers};
use crate::decoding::search::advance;
use crate::decoding::{Decoded, Drawn, Ending, NextLogits, Prompt, Search, SearchError};

/// What beams but the first begin with, so that all continue the first.
const OUTSIDE: f32 = -1e9;

/// The beams of one prompt.
struct Beams<'a> {
    search: &'a Search<'a>,
    running: Vec<Beam>,
    hypotheses: Hypotheses<'a>,
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
        beam.tokens.push(candidate.token);
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

/// The best beams of each prompt. Prompts that are done are not advanced.
pub(crate) fn run<M: NextLogits>(
    search: &Search<'_>,
    model: &mut M,
    prompts: &[Prompt<'_>],
    first: Vec<Vec<f32>>,
) -> Result<Vec<Vec<Decoded>>, SearchError<M::Error>> {
    let mut all: Vec<Beams<'_>> = prompts
        .iter()
        .enumerate()
        .map(|(place, prompt)| Beams::new(search, *prompt, place))
        .collect();
    let mut logits = first;
    for step in 1..=search.options.max_new_tokens {
        for beams in all.iter_mut().filter(|beams| !beams.done) {
            beams.step(&logits);
        }
        if step == search.options.max_new_tokens || all.iter().all(|beams| beams.done) {
            break;
        }
        let going = all.iter_mut().filter(|beams| !beams.done);
        let mut running: Vec<&mut Beam> = going.flat_map(|beams| &mut beams.running).collect();
        let parents: Vec<usize> = running.iter().map(|beam| beam.place).collect();
        let last = running.iter().filter_map(|beam| beam.ids.last().copied());
        let tokens: Vec<u32> = last.collect();
        logits = advance(model, &parents, &tokens, logits[0].len())?;
        for (place, beam) in running.iter_mut().enumerate() {
            beam.place = place;
        }
    }
    Ok(all.into_iter().map(Beams::finish).collect())
}

impl<'a> Beams<'a> {
    fn new(search: &'a Search<'a>, prompt: Prompt<'_>, place: usize) -> Self {
        let beam = |i: usize| Beam {
            ids: prompt.ids.to_vec(),
            tokens: Vec::new(),
            sum: if i == 0 { 0.0 } else { OUTSIDE },
            place,
        };
        Self {
            search,
            running: (0..search.options.num_beams).map(beam).collect(),
            hypotheses: Hypotheses::new(search.options, prompt.ids.len()),
            done: false,
            rng: numbers(search.options.seed, prompt.stream, 0),
        }
    }

    /// Continues the beams by a token each, and takes out those that end.
    fn step(&mut self, logits: &[Vec<f32>]) {
        let candidates = self.candidates(logits);
        let count = self.running.len();
        let eos = &self.search.vocabulary.eos;
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
                self.hypotheses.add(beam.sum, beam.tokens, Ending::Eos);
            }
            if next.len() == count {
                break;
            }
        }
        self.running = next;
        let best = candidates.first().map_or(f32::NEG_INFINITY, |c| c.sum);
        let generated = self.running.first().map_or(0, |beam| beam.tokens.len());
        self.done = self.hypotheses.done(best, generated);
    }

    /// So many that enough of them do not end, from the likeliest.
    fn candidates(&mut self, logits: &[Vec<f32>]) -> Vec<Candidate> {
        let rows = self
            .running
            .iter()
            .map(|beam| log_softmax(&logits[beam.place]));
        let logprobs: Vec<Vec<f32>> = rows.collect();
        let mut sums = Vec::new();
        for (beam, row) in self.running.iter().zip(&logprobs) {
            let scores = self
                .search
                .adjusted(&beam.ids, beam.tokens.len(), row.clone());
            sums.extend(scores.into_iter().map(|score| score + beam.sum));
        }
        let count = self.search.least_kept() * self.running.len();
        let chosen = match self.search.options.draws() {
            true => draw_several(&sums, count, &mut self.rng),
            false => largest(&sums, count),
        };
        let size = logprobs[0].len();
        let candidate = |i: usize| Candidate {
            beam: i / size,
            token: Drawn {
                id: (i % size) as u32,
                logprob: logprobs[i / size][i % size],
            },
            sum: sums[i],
        };
        chosen.into_iter().map(candidate).collect()
    }

    /// The best, running beams included unless the prompt is done.
    fn finish(mut self) -> Vec<Decoded> {
        if !self.done {
            for beam in self.running {
                self.hypotheses.add(beam.sum, beam.tokens, Ending::Length);
            }
        }
        self.hypotheses.best()
    }
}
