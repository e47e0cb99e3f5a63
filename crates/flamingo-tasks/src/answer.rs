//! What a model answered, and the file that is handed in.

use serde::Serialize;

use crate::example::Example;

/// What a model answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Output {
    /// A free answer, cut as the prompt says.
    Text(String),
    /// The log-likelihood of each candidate.
    Likelihoods(Vec<f64>),
}

/// A query with its answer.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The query.
    pub example: &'a Example,
    /// The answer.
    pub output: &'a Output,
}

/// A file in a benchmark's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// How its name should end: `json`, `csv` or `npy`.
    pub ending: &'static str,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Items that it holds.
    pub items: usize,
    /// Those of them that were not answered, and what stands in their place.
    pub filled: usize,
    /// What stands in their place.
    pub filler: &'static str,
}
