//! What is told of candidates.

use serde::Serialize;

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
