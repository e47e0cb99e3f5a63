//! How much the model's likelihood and the class mean count.

use serde::Serialize;

use super::evidence::{Evidence, log_shares};

/// A class's share is in proportion to its likelihood to the power of `likelihood`, times the exponential of
/// `class_mean` times its cosine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Weighing {
    /// The power of the model's likelihood; 0 leaves it out.
    pub likelihood: f32,
    /// What a cosine is multiplied by; 0 leaves it out.
    pub class_mean: f32,
}

/// Powers of the likelihood that are tried, and which of them served other photos.
const LIKELIHOODS: [f32; 7] = [0.0, 0.03125, 0.0625, 0.125, 0.25, 0.5, 1.0];
const LIKELIHOOD: usize = 1;
/// Factors of the cosine that are tried, and which of them served other photos.
const CLASS_MEANS: [f32; 6] = [0.0, 10.0, 20.0, 40.0, 80.0, 160.0];
const CLASS_MEAN: usize = 3;
/// By so much must a step away from what served other photos raise the log-probability of all left-out shots
/// together.
const STEP: f32 = 2.0;
/// No shot counts as less likely than this: one that is mistaken must not decide alone.
const LEAST: f32 = 1e-3;

impl Default for Weighing {
    /// What served other photos.
    fn default() -> Self {
        Self {
            likelihood: LIKELIHOODS[LIKELIHOOD],
            class_mean: CLASS_MEANS[CLASS_MEAN],
        }
    }
}

impl Weighing {
    /// The share of each class.
    pub fn probabilities(&self, evidence: &Evidence) -> Vec<f32> {
        let term = |factor: f32, value: f32| if factor == 0.0 { 0.0 } else { factor * value };
        let both = evidence.model.iter().zip(&evidence.class_mean);
        let sum = |(log, cosine): (&f32, &f32)| {
            term(self.likelihood, *log) + term(self.class_mean, *cosine)
        };
        let logs = log_shares(both.map(sum).collect());
        logs.into_iter().map(f32::exp).collect()
    }

    /// The weights by which shots that were left out, each with its class, are likeliest, near what served
    /// other photos.
    pub fn of(shots: &[(Evidence, usize)]) -> Self {
        let mut best = (f32::NEG_INFINITY, Self::default());
        for (i, likelihood) in LIKELIHOODS.into_iter().enumerate() {
            for (j, class_mean) in CLASS_MEANS.into_iter().enumerate() {
                let weighing = Self {
                    likelihood,
                    class_mean,
                };
                // Neither would tell nothing apart.
                if likelihood + class_mean == 0.0 {
                    continue;
                }
                let steps = i.abs_diff(LIKELIHOOD) + j.abs_diff(CLASS_MEAN);
                let score = weighing.score(shots) - STEP * steps as f32;
                if score > best.0 {
                    best = (score, weighing);
                }
            }
        }
        best.1
    }

    /// The log-probability of all shots' own classes.
    fn score(&self, shots: &[(Evidence, usize)]) -> f32 {
        let log = |(evidence, class): &(Evidence, usize)| {
            self.probabilities(evidence)[*class].max(LEAST).ln()
        };
        shots.iter().map(log).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(model: [f32; 2], class_mean: [f32; 2]) -> Evidence {
        Evidence {
            model: log_shares(model.to_vec()),
            class_mean: class_mean.to_vec(),
        }
    }

    #[test]
    fn without_shots_the_weights_are_those_that_served_other_photos() {
        assert_eq!(Weighing::of(&[]), Weighing::default());
    }

    #[test]
    fn what_labels_shots_wrongly_counts_less_and_what_labels_them_rightly_more() {
        // The likelihood is always for the other class, the mean for its own.
        let shots: Vec<(Evidence, usize)> = (0..20)
            .map(|n| match n % 2 {
                0 => (evidence([0.0, 3.0], [0.9, 0.8]), 0),
                _ => (evidence([3.0, 0.0], [0.8, 0.9]), 1),
            })
            .collect();
        let right = |weighing: Weighing, shots: &[(Evidence, usize)]| {
            let of = |(evidence, class): &&(Evidence, usize)| {
                weighing.probabilities(evidence)[*class] > 0.5
            };
            shots.iter().filter(of).count()
        };
        let (weighing, usual) = (Weighing::of(&shots), Weighing::default());
        assert!(weighing.class_mean >= usual.class_mean && weighing.likelihood <= usual.likelihood);
        assert_eq!(right(weighing, &shots), 20);
        let turned = shots
            .iter()
            .map(|(evidence, class)| (evidence.clone(), 1 - class));
        let turned: Vec<(Evidence, usize)> = turned.collect();
        let weighing = Weighing::of(&turned);
        assert!(weighing.class_mean <= usual.class_mean && weighing.likelihood > usual.likelihood);
        assert_eq!(right(weighing, &turned), 20);
    }

    #[test]
    fn where_both_are_wrong_one_of_them_still_counts() {
        let shots = vec![(evidence([0.0, 9.0], [0.1, 0.9]), 0); 20];
        let Weighing {
            likelihood,
            class_mean,
        } = Weighing::of(&shots);
        assert!(likelihood + class_mean > 0.0);
    }

    #[test]
    fn one_mistaken_shot_changes_little() {
        let mut shots = vec![(evidence([2.0, 0.0], [0.9, 0.8]), 0); 9];
        let before = Weighing::of(&shots);
        shots.push((evidence([50.0, 0.0], [0.99, 0.1]), 1));
        let after = Weighing::of(&shots);
        assert!(
            after.likelihood > 0.0 && after.class_mean > 0.0,
            "{before:?} {after:?}"
        );
    }

    #[test]
    fn shares_sum_to_one_and_a_weight_of_nothing_leaves_even_the_impossible_out() {
        let weighing = Weighing {
            likelihood: 0.0,
            class_mean: 10.0,
        };
        let shares = weighing.probabilities(&Evidence {
            model: vec![f32::NEG_INFINITY, 0.0],
            class_mean: vec![0.5, 0.5],
        });
        assert_eq!(shares, [0.5, 0.5]);
    }
}
