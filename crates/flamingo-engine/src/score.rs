//! Candidates ranked by their log-likelihood after a prompt.

use flamingo_kernels::burn::tensor::activation::log_softmax;
use flamingo_kernels::{Tensor, indices, log_probabilities};
use flamingo_model::{Looking, TextInput};
use flamingo_sequence::{Candidates, Document};
use serde::Serialize;

use crate::decoding::likeliest;
use crate::prompts::Prompts;
use crate::{Engine, Error, MediaSource, Result};

/// One candidate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CandidateScore {
    /// Its text.
    pub text: String,
    /// Sum of its tokens' natural log-probabilities.
    pub sum: f32,
    /// Their mean.
    pub mean: f32,
    /// How many there are.
    pub tokens: usize,
}

/// What candidates are ranked by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RankBy {
    /// The sum of their tokens' log-probabilities (the paper's log-likelihood).
    #[default]
    Sum,
    /// The mean, which does not favour short ones (open_flamingo's evaluation).
    Mean,
}

/// The candidates of one prompt, in the order given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// The prompt's `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The candidates.
    pub candidates: Vec<CandidateScore>,
    /// Which ranks highest.
    pub best: usize,
    /// Its text.
    pub answer: String,
}

impl Engine {
    /// Scores the candidates of each prompt. A prompt is read once for all its candidates. A
    /// candidate is text that follows the prompt's as it stands: mind the space before a word.
    ///
    /// # Errors
    /// If a picture cannot be had, a prompt is empty or too long, or there are no candidates.
    pub fn score(
        &mut self,
        prompts: &[Candidates],
        source: &dyn MediaSource,
        by: RankBy,
    ) -> Result<Vec<Scores>> {
        let mut scores = Vec::with_capacity(prompts.len());
        let batch = self.options.batch.max(1);
        for (i, prompts) in prompts.chunks(batch).enumerate() {
            scores.extend(self.score_batch(i * batch, prompts, source, by)?);
        }
        Ok(scores)
    }

    fn score_batch(
        &mut self,
        first: usize,
        requests: &[Candidates],
        source: &dyn MediaSource,
        by: RankBy,
    ) -> Result<Vec<Scores>> {
        let candidates = requests
            .iter()
            .enumerate()
            .map(|(i, request)| self.candidate_ids(first + i + 1, request))
            .collect::<Result<Vec<_>>>()?;
        let longest = candidates.iter().flatten().map(Vec::len).max().unwrap_or(0);
        let documents: Vec<&Document> = requests.iter().map(|r| &r.document).collect();
        let sequences = self.sequences(documents.iter().copied(), longest)?;
        let prompts = self.prefill(&documents, &sequences, source)?;
        let sums = self.sums(&prompts, &candidates);
        Ok(requests
            .iter()
            .zip(candidates)
            .zip(sums)
            .map(|((r, c), s)| ranked(r, &c, &s, by))
            .collect())
    }

    fn candidate_ids(&self, prompt: usize, request: &Candidates) -> Result<Vec<Vec<u32>>> {
        let refuse = |reason: String| Err(Error::Candidates { prompt, reason });
        if request.candidates.is_empty() {
            return refuse("`candidates` is empty: give at least one text".into());
        }
        let mut all = Vec::with_capacity(request.candidates.len());
        for (i, text) in request.candidates.iter().enumerate() {
            let ids = self.tokenizer.encode(text)?;
            if ids.is_empty() {
                return refuse(format!("candidate {} is empty: give some text", i + 1));
            }
            all.push(ids);
        }
        Ok(all)
    }

    /// Sums of log-probabilities, by prompt and candidate.
    fn sums(&self, prompts: &Prompts, candidates: &[Vec<Vec<u32>>]) -> Vec<Vec<f32>> {
        let rows: Vec<(usize, &[u32])> = candidates
            .iter()
            .enumerate()
            .flat_map(|(prompt, all)| all.iter().map(move |ids| (prompt, ids.as_slice())))
            .collect();
        // Each prompt's distribution once, then one number of it for each of its candidates.
        let first = log_softmax(self.model.logits(prompts.last.clone()), 1);
        let [prompts_read, vocabulary] = first.dims();
        let places = rows
            .iter()
            .map(|(prompt, ids)| prompt * vocabulary + ids[0] as usize);
        let first = first.reshape([prompts_read * vocabulary]);
        let mut sums = values(first.select(0, indices(places, &self.device)));
        self.add_later_tokens(prompts, &rows, &mut sums);
        let mut sums = sums.into_iter();
        candidates
            .iter()
            .map(|all| sums.by_ref().take(all.len()).collect())
            .collect()
    }

    /// All candidates' tokens after their first, in one ragged pass behind the prompts' keys.
    fn add_later_tokens(&self, prompts: &Prompts, rows: &[(usize, &[u32])], sums: &mut [f32]) {
        let long: Vec<usize> = (0..rows.len()).filter(|&i| rows[i].1.len() > 1).collect();
        let Some(width) = long.iter().map(|&i| rows[i].1.len() - 1).max() else {
            return;
        };
        let owners: Vec<usize> = long.iter().map(|&i| rows[i].0).collect();
        let mut cache = prompts.cache.select(&owners);
        let starts = cache.next_positions();
        let (mut ids, mut positions, mut sees) = (Vec::new(), Vec::new(), Vec::new());
        let (mut read, mut targets, mut owner_of_target) = (Vec::new(), Vec::new(), Vec::new());
        for (row, (&i, start)) in long.iter().zip(starts).enumerate() {
            let candidate = rows[i].1;
            let real = candidate.len() - 1;
            ids.extend(
                candidate[..real]
                    .iter()
                    .copied()
                    .chain(std::iter::repeat_n(0, width - real)),
            );
            let place = |j: usize| if j < real { start + j as i64 } else { -1 };
            positions.push((0..width).map(place).collect());
            sees.extend((0..width).map(|j| {
                if j < real {
                    prompts.sees[rows[i].0].clone()
                } else {
                    0..0
                }
            }));
            read.extend((0..real).map(|j| row * width + j));
            targets.extend(candidate[1..].iter().map(|&id| id as usize));
            owner_of_target.extend(std::iter::repeat_n(i, real));
        }
        let looking = Looking::new(&sees, prompts.media.len(), &self.device);
        let input = TextInput { ids, positions };
        let stream = self
            .model
            .hidden(&input, &prompts.media, &looking, Some(&mut cache));
        let [b, l, d] = stream.dims();
        let stream = stream
            .reshape([b * l, d])
            .select(0, indices(read, &self.device));
        let found = values(log_probabilities(self.model.logits(stream), &targets));
        for (owner, value) in owner_of_target.into_iter().zip(found) {
            sums[owner] += value;
        }
    }
}

fn values(x: Tensor<1>) -> Vec<f32> {
    x.into_data()
        .convert::<f32>()
        .try_to_vec()
        .expect("converted to f32")
}

fn ranked(request: &Candidates, ids: &[Vec<u32>], sums: &[f32], by: RankBy) -> Scores {
    let candidates: Vec<CandidateScore> = request
        .candidates
        .iter()
        .zip(ids)
        .zip(sums)
        .map(|((text, ids), &sum)| CandidateScore {
            text: text.clone(),
            sum,
            mean: sum / ids.len() as f32,
            tokens: ids.len(),
        })
        .collect();
    let ranks: Vec<f32> = candidates
        .iter()
        .map(|candidate| match by {
            RankBy::Sum => candidate.sum,
            RankBy::Mean => candidate.mean,
        })
        .collect();
    let best = likeliest(&ranks);
    let answer = request.candidates[best].clone();
    Scores {
        id: request.document.id.clone(),
        candidates,
        best,
        answer,
    }
}
