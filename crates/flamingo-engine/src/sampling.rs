//! From scores of the vocabulary to one token.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How an answer is drawn, and where it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Most tokens of an answer.
    pub max_new_tokens: usize,
    /// 0 takes the likeliest token; higher is more varied.
    pub temperature: f32,
    /// Draw from the likeliest `top_k` tokens only; 0 for all.
    pub top_k: usize,
    /// Draw from the fewest tokens whose probabilities reach this sum.
    pub top_p: f32,
    /// Texts that end an answer, beside the end of the chunk; they are cut off.
    pub stop: Vec<String>,
    /// Of the random numbers; each prompt has its own stream.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            max_new_tokens: 32,
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            stop: Vec::new(),
            seed: 0,
        }
    }
}

impl Sampling {
    /// # Errors
    /// If an option lies outside its range.
    pub fn check(&self) -> Result<()> {
        let refuse = |name, value: String, wanted| {
            Err(Error::Option {
                name,
                value,
                wanted,
            })
        };
        if self.max_new_tokens == 0 {
            return refuse("max_new_tokens", "0".into(), "1 or more");
        }
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return refuse("temperature", self.temperature.to_string(), "0 or more");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return refuse("top_p", self.top_p.to_string(), "more than 0, at most 1");
        }
        if self.stop.iter().any(String::is_empty) {
            return refuse(
                "stop",
                "an empty text".into(),
                "texts of at least one character",
            );
        }
        Ok(())
    }

    /// One token of `log_probabilities`; those of -infinity are never drawn.
    pub(crate) fn draw(&self, log_probabilities: &[f32], rng: &mut ChaCha8Rng) -> usize {
        if self.temperature == 0.0 {
            return likeliest(log_probabilities);
        }
        let mut order: Vec<usize> = (0..log_probabilities.len()).collect();
        order.sort_by(|&a, &b| log_probabilities[b].total_cmp(&log_probabilities[a]));
        if self.top_k > 0 {
            order.truncate(self.top_k);
        }
        let highest = log_probabilities[order[0]];
        let weight = |i: &usize| ((log_probabilities[*i] - highest) / self.temperature).exp();
        let weights: Vec<f32> = order.iter().map(weight).collect();
        let kept = nucleus(&weights, self.top_p);
        let total: f32 = weights[..kept].iter().sum();
        let mut left = rng.random::<f32>() * total;
        for (i, weight) in order.iter().zip(&weights[..kept]) {
            left -= weight;
            if left <= 0.0 {
                return *i;
            }
        }
        order[kept - 1]
    }
}

/// The first of the largest.
pub(crate) fn likeliest(values: &[f32]) -> usize {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = i;
        }
    }
    best
}

/// How many of the descending `weights` it takes to reach a share of `top_p`.
fn nucleus(weights: &[f32], top_p: f32) -> usize {
    let total: f32 = weights.iter().sum();
    let mut sum = 0.0;
    for (i, weight) in weights.iter().enumerate() {
        sum += weight;
        if sum >= top_p * total {
            return i + 1;
        }
    }
    weights.len()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use rand::SeedableRng;

    fn drawn(sampling: &Sampling) -> HashSet<usize> {
        let log_probabilities = [0.1f32, 0.4, 0.2, 0.3].map(f32::ln);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        (0..400)
            .map(|_| sampling.draw(&log_probabilities, &mut rng))
            .collect()
    }

    #[test]
    fn no_temperature_takes_the_likeliest() {
        assert_eq!(drawn(&Sampling::default()), HashSet::from([1]));
    }

    #[test]
    fn top_k_and_top_p_leave_only_the_likeliest() {
        let warm = Sampling {
            temperature: 1.0,
            ..Sampling::default()
        };
        assert_eq!(drawn(&warm).len(), 4);
        assert_eq!(
            drawn(&Sampling {
                top_k: 2,
                ..warm.clone()
            }),
            HashSet::from([1, 3])
        );
        assert_eq!(
            drawn(&Sampling {
                top_p: 0.75,
                ..warm
            }),
            HashSet::from([1, 2, 3])
        );
    }

    #[test]
    fn values_outside_their_range_are_named() {
        let error = Sampling {
            top_p: 0.0,
            ..Sampling::default()
        }
        .check()
        .expect_err("refused");
        assert!(error.to_string().contains("top_p is 0"), "{error}");
    }
}
