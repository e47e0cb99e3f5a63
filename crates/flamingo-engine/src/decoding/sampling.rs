//! From scores of the vocabulary to tokens.

use flamingo_kernels::{greatest, largest, log_sum_exp};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::decoding::Decoding;

const NEVER: f32 = f32::NEG_INFINITY;

/// The random numbers of answer `sequence` to the prompt with this `stream`.
pub(crate) fn numbers(seed: u64, stream: u64, sequence: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream.wrapping_add((sequence as u64) << 32));
    rng
}

/// Natural log-probabilities.
pub(crate) fn log_softmax(logits: &[f32]) -> Vec<f32> {
    let (highest, log_sum) = log_sum_exp(logits);
    logits.iter().map(|x| x - highest - log_sum).collect()
}

/// Probabilities.
pub(crate) fn softmax(scores: &[f32]) -> Vec<f32> {
    let highest = scores.iter().copied().fold(NEVER, f32::max);
    let weights: Vec<f32> = scores.iter().map(|x| (x - highest).exp()).collect();
    let sum: f64 = weights.iter().map(|w| f64::from(*w)).sum();
    weights.iter().map(|w| w / sum as f32).collect()
}

/// The first of the largest; the first of all if none is a number.
pub(crate) fn likeliest(values: &[f32]) -> usize {
    let largest = greatest(values);
    let first = values.iter().position(|value| *value == largest);
    first.unwrap_or(0)
}

/// Temperature, `top_k`, `top_p`: the scores that tokens are drawn by (`LogitsWarper`). At least
/// the likeliest `keep` tokens stay in.
pub(crate) fn warp(options: &Decoding, keep: usize, scores: &mut [f32]) {
    if options.temperature != 1.0 {
        for score in &mut *scores {
            *score /= options.temperature;
        }
    }
    if options.top_k > 0 {
        keep_top_k(options.top_k.max(keep), scores);
    }
    if options.top_p < 1.0 {
        keep_top_p(options.top_p, keep, scores);
    }
}

/// Those as likely as the last of them stay in.
fn keep_top_k(count: usize, scores: &mut [f32]) {
    let top = largest(scores, count);
    let Some(lowest) = top.last().map(|&i| scores[i]) else {
        return;
    };
    for score in scores {
        if *score < lowest {
            *score = NEVER;
        }
    }
}

/// Drops the unlikeliest while they sum to at most 1 - `top_p`; of equals, the last first. (torch
/// promises no order.)
fn keep_top_p(top_p: f64, keep: usize, scores: &mut [f32]) {
    let order = largest(scores, scores.len());
    let probabilities = softmax(scores);
    let rest = (1.0 - top_p) as f32;
    let mut sum = 0.0f64;
    for &i in order.iter().skip(keep).rev() {
        sum += f64::from(probabilities[i]);
        if sum as f32 > rest {
            break;
        }
        scores[i] = NEVER;
    }
}

/// One token by its `scores`; those of -infinity are never drawn.
pub(crate) fn draw(scores: &[f32], rng: &mut ChaCha8Rng) -> usize {
    let possible = scores.iter().filter(|score| **score > NEVER).count();
    let order = largest(scores, possible.max(1));
    let weight = |i: &usize| (scores[*i] - scores[order[0]]).exp();
    let weights: Vec<f32> = order.iter().map(weight).collect();
    order[pick(&weights, rng)]
}

/// `count` different tokens (`multinomial` without replacement), from the highest score. If fewer
/// are possible, the rest are the highest of the others.
pub(crate) fn draw_several(scores: &[f32], count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut left = largest(scores, scores.len());
    let probabilities = softmax(scores);
    let mut weights: Vec<f32> = left.iter().map(|&i| probabilities[i]).collect();
    let mut drawn = Vec::with_capacity(count);
    while drawn.len() < count && !left.is_empty() {
        let i = pick(&weights, rng);
        weights.remove(i);
        drawn.push(left.remove(i));
    }
    drawn.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    drawn
}

/// An index by descending `weights`; the first if all are 0.
fn pick(weights: &[f32], rng: &mut ChaCha8Rng) -> usize {
    let total: f32 = weights.iter().sum();
    let mut left = rng.random::<f32>() * total;
    for (i, weight) in weights.iter().enumerate() {
        left -= weight;
        if left <= 0.0 {
            return i;
        }
    }
    weights
        .iter()
        .rposition(|weight| *weight > 0.0)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn kept(options: &Decoding, keep: usize, scores: &[f32]) -> Vec<usize> {
        let mut scores = scores.to_vec();
        warp(options, keep, &mut scores);
        (0..scores.len()).filter(|&i| scores[i] > NEVER).collect()
    }

    fn warm() -> Decoding {
        Decoding {
            temperature: 1.0,
            ..Decoding::default()
        }
    }

    #[test]
    fn top_k_keeps_tokens_as_likely_as_its_last() {
        let options = Decoding { top_k: 2, ..warm() };
        assert_eq!(kept(&options, 1, &[1.0, 3.0, 2.0, 2.0, 0.0]), [1, 2, 3]);
        assert_eq!(kept(&options, 4, &[1.0, 3.0, 2.0, 2.0, 0.0]), [0, 1, 2, 3]);
        let more = Decoding { top_k: 9, ..warm() };
        assert_eq!(kept(&more, 1, &[1.0, 3.0]), [0, 1]);
    }

    #[test]
    fn top_p_keeps_the_fewest_tokens_that_reach_it() {
        let scores = [0.125f32, 0.5, 0.25, 0.125].map(f32::ln);
        let at = |top_p, keep| kept(&Decoding { top_p, ..warm() }, keep, &scores);
        assert_eq!(at(0.01, 1), [1]);
        assert_eq!(at(0.01, 3), [0, 1, 2]);
        assert_eq!(at(0.7, 1), [1, 2]);
        assert_eq!(at(0.8, 1), [0, 1, 2]);
        assert_eq!(at(1.0, 1), [0, 1, 2, 3]);
    }

    #[test]
    fn temperature_comes_before_top_p() {
        let scores = [0.5f32, 0.3, 0.2].map(f32::ln);
        let at = |temperature| {
            let options = Decoding {
                temperature,
                top_p: 0.75,
                ..warm()
            };
            kept(&options, 1, &scores)
        };
        assert_eq!(at(0.25), [0]);
        assert_eq!(at(1.0), [0, 1]);
        assert_eq!(at(50.0), [0, 1, 2]);
    }

    #[test]
    fn log_probabilities_sum_to_one_and_keep_their_order() {
        let logits = [1.0f32, -2.0, NEVER, 3.5];
        let values = log_softmax(&logits);
        let sum: f32 = values.iter().map(|x| x.exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6);
        assert!((values[3] - values[0] - 2.5).abs() < 1e-6);
        assert_eq!(values[2], NEVER);
        let apart = softmax(&logits)
            .iter()
            .zip(&values)
            .map(|(p, x)| (p - x.exp()).abs())
            .fold(0.0, f32::max);
        assert!(apart < 1e-6);
    }

    #[test]
    fn tokens_are_drawn_as_often_as_they_are_likely() {
        let scores = [NEVER, 0.6f32.ln(), 0.1f32.ln(), 0.3f32.ln()];
        let mut rng = numbers(5, 0, 0);
        let mut counts = [0; 4];
        for _ in 0..4000 {
            counts[draw(&scores, &mut rng)] += 1;
        }
        assert_eq!(counts[0], 0);
        for (count, expected) in counts.iter().zip([0, 2400, 400, 1200]) {
            assert!(i32::abs(count - expected) < 150, "{counts:?}");
        }
    }

    #[test]
    fn several_draws_differ_and_run_from_the_highest() {
        let scores = [NEVER, 0.6f32.ln(), 0.1f32.ln(), 0.3f32.ln()];
        let mut rng = numbers(5, 0, 0);
        let draws: HashSet<Vec<usize>> = (0..400)
            .map(|_| draw_several(&scores, 2, &mut rng))
            .collect();
        assert_eq!(draws, HashSet::from([vec![1, 2], vec![1, 3], vec![3, 2]]));
        assert_eq!(draw_several(&scores, 4, &mut rng), [1, 3, 2, 0]);
    }

    #[test]
    fn of_equals_the_first_are_the_largest() {
        assert_eq!(largest(&[1.0, 2.0, 1.0, 2.0, 1.0], 3), [1, 3, 0]);
        assert_eq!(likeliest(&[1.0, 2.0, 2.0]), 1);
    }

    #[test]
    fn streams_and_sequences_have_their_own_numbers() {
        let first = |stream, sequence| numbers(3, stream, sequence).random::<u64>();
        let all: HashSet<u64> = (0..4)
            .flat_map(|i| (0..4).map(move |j| first(i, j)))
            .collect();
        assert_eq!(all.len(), 16);
        assert_eq!(first(2, 1), first(2, 1));
    }
}
