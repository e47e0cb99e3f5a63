//! One query, asked and answered: a line of a samples file.

use flamingo_sequence::Part;
use serde::{Deserialize, Serialize};

use super::plan::Cell;

/// A query as it was asked, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The query's name in the task's files.
    pub id: String,
    /// Which cell of the table it counts in.
    #[serde(flatten)]
    pub cell: Cell,
    /// The shots' names, in the order of the prompt.
    pub shot_ids: Vec<String>,
    /// The exact prompt.
    pub parts: Vec<Part>,
    /// The other orders of the shots that the answer is averaged over: places in `shot_ids`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub other_orders: Vec<Vec<usize>>,
    /// The answers to choose from.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub candidates: Vec<String>,
    /// What they are ranked by: log-probabilities, the mean over the orders.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub log_likelihoods: Vec<f32>,
    /// What the model wrote, or the likeliest candidate.
    pub raw: String,
    /// What is scored of it.
    pub answer: String,
    /// What would be right.
    pub references: Vec<String>,
    /// Its own score; none if the metric is one of all samples together, or there is no answer.
    pub score: Option<f64>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

impl Sample {
    /// The candidates' probabilities among themselves (softmax).
    pub fn probabilities(&self) -> Vec<f64> {
        let highest = self
            .log_likelihoods
            .iter()
            .copied()
            .fold(f32::MIN, f32::max);
        let of = |value: &f32| f64::from(value - highest).exp();
        let sum: f64 = self.log_likelihoods.iter().map(of).sum();
        self.log_likelihoods
            .iter()
            .map(|value| of(value) / sum)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_sample_is_read_as_it_was_written() {
        let sample = Sample {
            id: "7".into(),
            cell: Cell {
                ablation: Some(super::super::Ablation::Blank),
                seed: 3,
                shots: 5,
            },
            shot_ids: vec!["a".into()],
            parts: vec![Part::Image("a.png".into()), Part::End],
            other_orders: Vec::new(),
            candidates: vec![" yes".into(), " no".into()],
            log_likelihoods: vec![-1.1, -0.3],
            raw: " no".into(),
            answer: "no".into(),
            references: vec!["no".into()],
            score: Some(1.0),
            error: None,
        };
        let line = serde_json::to_string(&sample).unwrap();
        assert!(line.contains("\"ablation\":\"blank\""), "{line}");
        assert_eq!(serde_json::from_str::<Sample>(&line).unwrap(), sample);
        let shares = sample.probabilities();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((shares[1] / shares[0] - 0.8_f64.exp()).abs() < 1e-6);
    }
}
