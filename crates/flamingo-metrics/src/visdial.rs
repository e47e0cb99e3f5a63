//! VisDial: NDCG, and rank, MRR and R@k of the true answer.
//!
//! Agrees with `metrics.py` of batra-mlp-lab/visdial-challenge-starter-pytorch (5844f3d5a575), which computes
//! in f32. Scores that are equal as f32 keep the order of the options. The published code leaves that order
//! to a sort that, from 17 options on, gives another one on another processor.

use serde::Serialize;

use crate::error::{MetricError, Result, finite, same_length};

/// The ranks of options by their scores: 1 for the highest; of equal scores, the first option first.
///
/// # Errors
///
/// A score that is no finite number.
pub fn ranks(scores: &[f64]) -> Result<Vec<usize>> {
    finite(scores)?;
    let scores: Vec<f32> = scores.iter().map(|&score| score as f32).collect();
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| {
        scores[b]
            .partial_cmp(&scores[a])
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut ranks = vec![0; scores.len()];
    for (place, option) in order.into_iter().enumerate() {
        ranks[option] = place + 1;
    }
    Ok(ranks)
}

/// NDCG of one round, 0 to 1: over the first k options, k being how many have a relevance other than 0.
/// `None` if none has: the official code gives NaN there, and for every set that holds such a round.
///
/// # Errors
///
/// Not as many relevances as ranks.
pub fn ndcg(ranks: &[usize], relevance: &[f64]) -> Result<Option<f64>> {
    same_length(("ranks", ranks.len()), ("relevances", relevance.len()))?;
    let relevance: Vec<f32> = relevance.iter().map(|&value| value as f32).collect();
    let k = relevance.iter().filter(|&&value| value != 0.0).count();
    let mut by_rank: Vec<usize> = (0..ranks.len()).collect();
    by_rank.sort_by_key(|&option| ranks[option]);
    let mut ideal = relevance.clone();
    ideal.sort_by(|a, b| b.total_cmp(a));
    let gain = |values: &mut dyn Iterator<Item = f32>| -> f32 {
        let places = values.take(k).zip(0u16..);
        places
            .map(|(value, place)| value / (f32::from(place) + 2.0).log2())
            .sum()
    };
    let best = gain(&mut ideal.iter().copied());
    let ours = gain(&mut by_rank.iter().map(|&option| relevance[option]));
    Ok((k > 0).then(|| f64::from(ours / best)))
}

/// Where the true answers stand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RankScore {
    /// The share of true answers ranked first.
    #[serde(rename = "r@1")]
    pub recall_1: f64,
    /// The share among the first 5.
    #[serde(rename = "r@5")]
    pub recall_5: f64,
    /// The share among the first 10.
    #[serde(rename = "r@10")]
    pub recall_10: f64,
    /// The mean rank, from 1.
    pub mean: f64,
    /// The mean of 1 / rank.
    pub mrr: f64,
}

/// R@1, R@5, R@10, mean rank and MRR of the ranks of the true answers.
///
/// # Errors
///
/// No rank.
pub fn rank_score(true_ranks: &[usize]) -> Result<RankScore> {
    if true_ranks.is_empty() {
        return Err(MetricError::Nothing {
            metric: "the mean rank",
            item: "round",
        });
    }
    let mean = |value: &dyn Fn(usize) -> f64| {
        let sum: f64 = true_ranks.iter().map(|&rank| value(rank)).sum();
        sum / true_ranks.len() as f64
    };
    let within = |k: usize| mean(&|rank| f64::from(u8::from(rank <= k)));
    Ok(RankScore {
        recall_1: within(1),
        recall_5: within(5),
        recall_10: within(10),
        mean: mean(&|rank| rank as f64),
        mrr: mean(&|rank| 1.0 / rank as f64),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_keep_the_order_of_the_options_whatever_their_number() {
        assert_eq!(
            ranks(&[0.25; 23]).expect("numbers"),
            (1..=23).collect::<Vec<_>>()
        );
        // Equal as f32, though not as f64.
        assert_eq!(
            ranks(&[2.0, 2.000_000_01, 3.0]).expect("numbers"),
            [2, 3, 1]
        );
    }

    #[test]
    fn gains_are_halved_by_the_second_logarithm_of_the_place() {
        // Two are relevant, so two places count; ours holds 0 and 0.5, the best 1 and 0.5.
        let value = ndcg(&[3, 2, 1], &[1.0, 0.5, 0.0]).expect("three options");
        let third = 1.0 / 3.0_f64.log2();
        let expected = 0.5 * third / (1.0 + 0.5 * third);
        assert!((value.expect("two are relevant") - expected).abs() < 1e-6);
    }

    #[test]
    fn a_round_without_relevant_options_has_no_value() {
        assert_eq!(ndcg(&[1, 2], &[0.0, 0.0]).expect("two options"), None);
    }
}
