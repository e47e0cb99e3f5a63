//! Candidates ranked by their log-likelihood after a prompt: their tokens as one tree, so that what
//! they have in common is read once, and all of it in the pass that reads the prompt.

use flamingo_kernels::log_sum_exp;
use flamingo_model::Branches;
use flamingo_sequence::{Candidates, Part, Tokenizer};

use crate::decoding::likeliest;
use crate::{CandidateScore, Error, RankBy, Result, Scores};

/// Nodes of a tree at most; of many candidates each other tree takes a pass more.
const NODES_AT_ONCE: usize = 1024;

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
    /// If there are no candidates, or one is empty.
    pub(crate) fn new(request: Candidates, by: RankBy, tokenizer: &Tokenizer) -> Result<Self> {
        let refuse = |reason: String| Err(Error::Candidates(reason));
        if request.candidates.is_empty() {
            return refuse("`candidates` is empty: give at least one text".into());
        }
        // A candidate goes on with the prompt's text; behind a picture it begins a text.
        let before = match request.document.parts.last() {
            Some(Part::Text(before)) => Some(before),
            _ => None,
        };
        let mut ids = Vec::with_capacity(request.candidates.len());
        for (i, text) in request.candidates.iter().enumerate() {
            let tokens = match before {
                Some(before) => tokenizer.encode_behind(before, text)?,
                None => tokenizer.encode(text)?,
            };
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

    /// How many trees its candidates are.
    pub(crate) fn trees(&self) -> usize {
        self.trees.len()
    }

    /// What is read for a tree, the first of them along with the prompt; nothing where there is none.
    pub(crate) fn branches(&self, tree: usize) -> Branches<'_> {
        let tree = self.trees.get(tree);
        tree.map_or_else(Branches::default, Tree::branches)
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
    pub(crate) fn take(&mut self, tree: usize, logits: &[Vec<f32>]) {
        let logits: Vec<Logprobs<'_>> = logits.iter().map(|row| Logprobs::new(row)).collect();
        for (candidate, node, token) in &self.trees[tree].wanted {
            self.sums[*candidate] += logits[*node].of(*token);
        }
    }

    /// Tokens of the longest candidate.
    pub(crate) fn longest(&self) -> usize {
        self.ids.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// The candidates, ranked.
    pub(crate) fn ranked(self) -> Scores {
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
