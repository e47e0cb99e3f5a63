//! Candidates ranked by their log-likelihood after a prompt: their tokens as one tree, so that what
//! they have in common is read once, and all of it in the pass that reads the prompt.

use flamingo_kernels::log_sum_exp;
use flamingo_model::{Branches, TextRow};
use flamingo_sequence::{Candidates, Tokenizer};
use serde::Serialize;

use crate::decoding::likeliest;
use crate::queue::{Event, Request, RequestId};
use crate::reading::ReadPrompt;
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

/// Nodes of a tree at most; of many candidates each other tree takes a pass more.
const NODES_AT_ONCE: usize = 1024;

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
        let request = |candidates: &Candidates| Request::Score {
            candidates: candidates.clone(),
            by,
        };
        let requests = prompts.iter().map(request).collect();
        let mut all: Vec<Option<Scores>> = vec![None; prompts.len()];
        self.run(requests, source, &mut |i, event| {
            if let Event::Scored { scores, .. } = event {
                all[i] = Some(scores);
            }
        })?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Scores the candidates of prompts that were read, together with the first of their trees.
    pub(crate) fn score_all(
        &self,
        mut scorings: Vec<(RequestId, Scoring, ReadPrompt)>,
        events: &mut Vec<Event>,
    ) {
        for (_, scoring, read) in &mut scorings {
            for tree in 1..scoring.trees.len() {
                let mut row = TextRow {
                    branches: scoring.trees[tree].branches(),
                    ..TextRow::new(&[], &mut read.text)
                };
                let stream = self.read_on(std::slice::from_mut(&mut row), &[&read.seen]);
                scoring.take(tree, &self.logits(stream));
            }
        }
        for (request, scoring, _) in scorings {
            let scores = scoring.ranked();
            events.push(Event::Scored { request, scores });
        }
    }
}

/// A scoring request.
pub(crate) struct Scoring {
    request: Candidates,
    by: RankBy,
    /// Tokens of each candidate.
    ids: Vec<Vec<u32>>,
    trees: Vec<Tree>,
    /// Of the candidates' log-probabilities, as far as they are known.
    sums: Vec<f32>,
}

impl Scoring {
    /// # Errors
    /// If there are no candidates, or one is empty; `number` is the prompt's in the message.
    pub(crate) fn new(
        request: Candidates,
        by: RankBy,
        tokenizer: &Tokenizer,
        number: usize,
    ) -> Result<Self> {
        let refuse = |reason: String| {
            Err(Error::Candidates {
                prompt: number,
                reason,
            })
        };
        if request.candidates.is_empty() {
            return refuse("`candidates` is empty: give at least one text".into());
        }
        let mut ids = Vec::with_capacity(request.candidates.len());
        for (i, text) in request.candidates.iter().enumerate() {
            let tokens = tokenizer.encode(text)?;
            if tokens.is_empty() {
                return refuse(format!("candidate {} is empty: give some text", i + 1));
            }
            ids.push(tokens);
        }
        Ok(Self {
            trees: Tree::of(&ids),
            sums: vec![0.0; ids.len()],
            request,
            by,
            ids,
        })
    }

    /// What is read along with the prompt: the first tree.
    pub(crate) fn branches(&self) -> Branches<'_> {
        let first = self.trees.first();
        first.map_or_else(Branches::default, Tree::branches)
    }

    /// Takes the logits behind the prompt, and those behind the nodes of the first tree.
    pub(crate) fn first(&mut self, prompt: &[f32], tree: Option<Vec<Vec<f32>>>) {
        let prompt = Logprobs::new(prompt);
        for (sum, ids) in self.sums.iter_mut().zip(&self.ids) {
            *sum += prompt.of(ids[0]);
        }
        if let Some(logits) = tree {
            self.take(0, &logits);
        }
    }

    /// Takes the logits behind the nodes of a tree.
    fn take(&mut self, tree: usize, logits: &[Vec<f32>]) {
        let logits: Vec<Logprobs<'_>> = logits.iter().map(|row| Logprobs::new(row)).collect();
        for (candidate, node, token) in &self.trees[tree].wanted {
            self.sums[*candidate] += logits[*node].of(*token);
        }
    }

    /// Tokens of the longest candidate.
    pub(crate) fn longest(&self) -> usize {
        self.ids.iter().map(Vec::len).max().unwrap_or(0)
    }

    fn ranked(self) -> Scores {
        let candidates: Vec<CandidateScore> = self
            .request
            .candidates
            .iter()
            .zip(&self.ids)
            .zip(&self.sums)
            .map(|((text, ids), &sum)| CandidateScore {
                text: text.clone(),
                sum,
                mean: sum / ids.len() as f32,
                tokens: ids.len(),
            })
            .collect();
        let rank = |candidate: &CandidateScore| match self.by {
            RankBy::Sum => candidate.sum,
            RankBy::Mean => candidate.mean,
        };
        let best = likeliest(&candidates.iter().map(rank).collect::<Vec<_>>());
        let answer = self.request.candidates[best].clone();
        Scores {
            id: self.request.document.id,
            candidates,
            best,
            answer,
        }
    }
}

/// Candidates' tokens but the last of each, those that begin alike together.
#[derive(Debug, Default, PartialEq)]
struct Tree {
    ids: Vec<u32>,
    /// As of [`Branches`].
    parents: Vec<Option<usize>>,
    /// What is read of it: a candidate, the node behind which, and the token that follows there.
    wanted: Vec<(usize, usize, u32)>,
}

impl Tree {
    fn branches(&self) -> Branches<'_> {
        Branches {
            ids: &self.ids,
            parents: &self.parents,
        }
    }

    /// Trees of at most about [`NODES_AT_ONCE`] nodes; none for candidates of one token each.
    fn of(candidates: &[Vec<u32>]) -> Vec<Self> {
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.sort_by(|&a, &b| candidates[a].cmp(&candidates[b]));
        let mut trees: Vec<Self> = Vec::new();
        // The nodes on the way to the last candidate.
        let (mut path, mut last): (Vec<usize>, &[u32]) = (Vec::new(), &[]);
        for candidate in order {
            let ids = &candidates[candidate];
            let inner = ids.len() - 1;
            if inner == 0 {
                continue;
            }
            if trees
                .last()
                .is_none_or(|tree| tree.ids.len() + inner > NODES_AT_ONCE)
            {
                trees.push(Self::default());
                (path, last) = (Vec::new(), &[]);
            }
            let tree = trees.last_mut().expect("pushed above");
            let common = ids.iter().zip(last).take_while(|(a, b)| a == b).count();
            path.truncate(common.min(inner));
            for &id in &ids[path.len()..inner] {
                tree.ids.push(id);
                tree.parents.push(path.last().copied());
                path.push(tree.ids.len() - 1);
            }
            let follows = path.iter().zip(&ids[1..]);
            tree.wanted
                .extend(follows.map(|(&node, &id)| (candidate, node, id)));
            last = ids;
        }
        trees
    }
}

/// A row of logits, of which a few log-probabilities are wanted.
struct Logprobs<'a> {
    logits: &'a [f32],
    highest: f32,
    log_sum: f32,
}

impl<'a> Logprobs<'a> {
    fn new(logits: &'a [f32]) -> Self {
        let (highest, log_sum) = log_sum_exp(logits);
        Self {
            logits,
            highest,
            log_sum,
        }
    }

    fn of(&self, token: u32) -> f32 {
        self.logits[token as usize] - self.highest - self.log_sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_that_begin_alike_share_their_beginning() {
        let candidates = [
            vec![5, 9],
            vec![7],
            vec![5, 2, 6],
            vec![5, 2],
            vec![5, 2, 8, 1],
        ];
        let trees = Tree::of(&candidates);
        let tree = &trees[0];
        assert_eq!((trees.len(), &tree.ids[..]), (1, &[5, 2, 8][..]));
        assert_eq!(tree.parents, [None, Some(0), Some(1)]);
        let mut wanted = tree.wanted.clone();
        wanted.sort_unstable();
        assert_eq!(
            wanted,
            [
                (0, 0, 9),
                (2, 0, 2),
                (2, 1, 6),
                (3, 0, 2),
                (4, 0, 2),
                (4, 1, 8),
                (4, 2, 1)
            ]
        );
        assert_eq!(Tree::of(&[vec![1], vec![2]]), []);
    }

    #[test]
    fn many_candidates_are_cut_into_trees_that_fit() {
        let candidates: Vec<Vec<u32>> = (0..3000).map(|i| vec![i, 1, 2]).collect();
        let trees = Tree::of(&candidates);
        assert!(trees.len() > 2 && trees.iter().all(|tree| tree.ids.len() <= NODES_AT_ONCE));
        let wanted: usize = trees.iter().map(|tree| tree.wanted.len()).sum();
        assert_eq!(wanted, 6000);
    }
}
