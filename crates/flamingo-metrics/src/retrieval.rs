//! R@k of retrieval.
//!
//! [`Ties::EveryPlace`] agrees with `compute_metrics` of antoyang/just-ask (b58f08e7795c), which finds the
//! right one's place by its score: each place with that score counts, and the sum is divided by all places
//! found. [`Ties::First`], the default, counts each query once, the right one before its equals.

use serde::Serialize;

use crate::error::{MetricError, Result, finite, same_length};

/// What happens when the right one's score is not the only one of its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ties {
    /// The right one comes first of them.
    #[default]
    First,
    /// Every place counts.
    EveryPlace,
}

/// Recall and the median rank.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RetrievalScore {
    /// The share of places found that are the first.
    #[serde(rename = "R1")]
    pub recall_1: f64,
    /// Among the first 10.
    #[serde(rename = "R10")]
    pub recall_10: f64,
    /// Among the first 100.
    #[serde(rename = "R100")]
    pub recall_100: f64,
    /// The median rank, from 1.
    #[serde(rename = "MR")]
    pub median_rank: f64,
    /// How many places were found: more than there are queries where ties are counted.
    pub ranks_counted: usize,
}

/// Retrieval by `similarity[query][candidate]`, of which candidate i is right for query i.
///
/// # Errors
///
/// No query, a row that has not as many candidates as there are queries, or a similarity that is no finite
/// number.
pub fn retrieval(similarity: &[Vec<f64>], ties: Ties) -> Result<RetrievalScore> {
    let mut places = Vec::new();
    for (query, row) in similarity.iter().enumerate() {
        same_length(("queries", similarity.len()), ("candidates", row.len()))?;
        finite(row)?;
        let above = row.iter().filter(|&&score| score > row[query]).count();
        let equal = row.iter().filter(|&&score| score == row[query]).count();
        match ties {
            Ties::First => places.push(above),
            Ties::EveryPlace => places.extend(above..above + equal),
        }
    }
    if places.is_empty() {
        return Err(MetricError::Nothing {
            metric: "recall",
            item: "query",
        });
    }
    places.sort_unstable();
    let within = |k: usize| {
        let found = places.partition_point(|&place| place < k);
        found as f64 / places.len() as f64
    };
    let middle = (places[(places.len() - 1) / 2] + places[places.len() / 2]) as f64 / 2.0;
    Ok(RetrievalScore {
        recall_1: within(1),
        recall_10: within(10),
        recall_100: within(100),
        median_rank: middle + 1.0,
        ranks_counted: places.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tie_counts_every_place_in_the_official_code_and_once_by_default() {
        let similarity = [
            vec![0.4, 0.4, 0.1],
            vec![0.3, 0.8, 0.2],
            vec![0.9, 0.7, 0.6],
        ];
        let once = retrieval(&similarity, Ties::First).expect("three queries");
        let every = retrieval(&similarity, Ties::EveryPlace).expect("three queries");
        assert_eq!((once.ranks_counted, every.ranks_counted), (3, 4));
        assert_eq!((once.recall_1, every.recall_1), (2.0 / 3.0, 0.5));
        assert_eq!((once.median_rank, every.median_rank), (1.0, 1.5));
    }
}
