//! Cases of VisDial, HatefulMemes, RareAct, classification and retrieval.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::computed::{Computed, Outcome, TOLERANCE_F32, read};
use crate::classification::{top_classes, top_k_accuracy};
use crate::ranked::{average_precision, binary_labels, roc_auc};
use crate::rareact::{Clip, rareact_mwap};
use crate::retrieval::{Ties, retrieval as retrieval_score};
use crate::visdial::{ndcg, rank_score, ranks};

#[derive(Deserialize)]
struct Round {
    scores: Vec<f64>,
    relevance: Vec<f64>,
    gt_index: usize,
}

impl Round {
    /// The rank of the true answer, and NDCG.
    fn score(&self) -> Result<(usize, Option<f64>), Outcome> {
        let ranks = ranks(&self.scores)?;
        let rank = ranks.get(self.gt_index).copied();
        let rank = rank.ok_or_else(|| Outcome::Refused("gt_index is beyond the options".into()))?;
        Ok((rank, ndcg(&ranks, &self.relevance)?))
    }
}

pub(super) fn round(case: &Value) -> Result<Computed, Outcome> {
    let (rank, ndcg) = read::<Round>(case)?.score()?;
    let mut computed = Computed::new();
    computed.tolerance = TOLERANCE_F32;
    computed.add("rank_of_gt", rank);
    computed.add("ndcg", ndcg);
    Ok(computed)
}

#[derive(Deserialize)]
struct Rounds {
    items: Vec<Round>,
}

pub(super) fn rounds(case: &Value) -> Result<Computed, Outcome> {
    let Rounds { items } = read(case)?;
    let scores = items
        .iter()
        .map(Round::score)
        .collect::<Result<Vec<_>, _>>()?;
    let (true_ranks, ndcgs): (Vec<usize>, Vec<Option<f64>>) = scores.into_iter().unzip();
    let count = ndcgs.len() as f64;
    let sum: Option<f64> = ndcgs.into_iter().sum();
    let score = rank_score(&true_ranks)?;
    let mut computed = Computed::new();
    computed.tolerance = TOLERANCE_F32;
    computed.add("ndcg", sum.map(|sum| sum / count));
    computed.add("r@1", score.recall_1);
    computed.add("r@5", score.recall_5);
    computed.add("r@10", score.recall_10);
    computed.add("mean", score.mean);
    computed.add("mrr", score.mrr);
    Ok(computed)
}

/// A number, or a word for one that is none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Score {
    Number(f64),
    Word(String),
    Missing(()),
}

impl Score {
    fn value(&self) -> f64 {
        match self {
            Self::Number(value) => *value,
            Self::Word(word) => word.parse().unwrap_or(f64::NAN),
            Self::Missing(()) => f64::NAN,
        }
    }
}

#[derive(Deserialize)]
struct Auc {
    labels: Vec<f64>,
    scores: Vec<Score>,
}

pub(super) fn auc(case: &Value) -> Result<Computed, Outcome> {
    let Auc { labels, scores } = read(case)?;
    let scores: Vec<f64> = scores.iter().map(Score::value).collect();
    let mut computed = Computed::new();
    computed.add("roc_auc", roc_auc(&binary_labels(&labels)?, &scores)?);
    // Here the positive class is 1, whatever the other.
    let ones: Vec<bool> = labels.iter().map(|&label| label == 1.0).collect();
    computed.add("average_precision", average_precision(&ones, &scores)?);
    Ok(computed)
}

#[derive(Deserialize)]
struct Mwap {
    rows: Vec<(String, usize, String, String, i64)>,
    scores: Vec<Vec<Score>>,
}

pub(super) fn mwap(case: &Value) -> Result<Computed, Outcome> {
    let Mwap { rows, scores } = read(case)?;
    let clips: Vec<Clip> = rows
        .into_iter()
        .map(|(video, class, verb, noun, annotation)| Clip {
            video,
            class,
            verb,
            noun,
            annotation,
        })
        .collect();
    let scores: Vec<Vec<f64>> = scores
        .iter()
        .map(|row| row.iter().map(Score::value).collect())
        .collect();
    let score = rareact_mwap(&clips, &scores)?;
    let mut computed = Computed::new();
    computed.add("mwap", score.mean);
    let per_action: BTreeMap<String, f64> = score.per_action.into_iter().collect();
    computed.add("per_action", per_action);
    Ok(computed)
}

#[derive(Deserialize)]
struct Retrieval {
    similarity: Vec<Vec<f64>>,
}

pub(super) fn retrieval(case: &Value) -> Result<Computed, Outcome> {
    let Retrieval { similarity } = read(case)?;
    let score = retrieval_score(&similarity, Ties::EveryPlace)?;
    let mut computed = Computed::new();
    computed.add("R1", score.recall_1);
    computed.add("R10", score.recall_10);
    computed.add("R100", score.recall_100);
    computed.add("MR", score.median_rank);
    computed.add("ranks_counted", score.ranks_counted);
    Ok(computed)
}

#[derive(Deserialize)]
struct Classification {
    logprobs: Vec<Vec<f64>>,
    k: usize,
    labels: Vec<usize>,
    #[serde(default)]
    tied: bool,
}

pub(super) fn classification(case: &Value) -> Result<Computed, Outcome> {
    let Classification {
        logprobs,
        k,
        labels,
        tied,
    } = read(case)?;
    let top: Vec<Vec<usize>> = logprobs
        .iter()
        .map(|row| top_classes(row, k))
        .collect::<Result<_, _>>()?;
    let mut computed = Computed::new();
    if tied {
        // Which of equal classes come first is the library's affair there; their scores are not.
        let theirs = case
            .get("top")
            .and_then(|top| Vec::<Vec<usize>>::deserialize(top).ok());
        let same = theirs.is_some_and(|theirs| {
            theirs.len() == top.len()
                && theirs
                    .iter()
                    .zip(&top)
                    .zip(&logprobs)
                    .all(|((theirs, ours), row)| {
                        let scores = |classes: &[usize]| -> Vec<Option<f32>> {
                            let score = |&class: &usize| row.get(class).map(|&score| score as f32);
                            classes.iter().map(score).collect()
                        };
                        scores(theirs) == scores(ours)
                    })
        });
        let shown = if same { case.get("top").cloned() } else { None };
        computed.add("top", shown.unwrap_or_else(|| Value::from(top)));
        return Ok(computed);
    }
    computed.add("top", top);
    computed.add("top1", top_k_accuracy(&logprobs, &labels, 1)?);
    computed.add("topk", top_k_accuracy(&logprobs, &labels, k)?);
    Ok(computed)
}
