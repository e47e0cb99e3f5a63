//! What BLEU, ROUGE-L and CIDEr-D are computed of.

use crate::error::{MetricError, Result};

/// A caption and its references, tokenised: words between spaces, as [`PtbTokenizer`](crate::PtbTokenizer)
/// gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptionItem {
    /// The references, one or more.
    pub references: Vec<String>,
    /// The caption to score.
    pub caption: String,
}

/// A score of a set of captions and of each.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptionScore {
    /// Of the set.
    pub score: f64,
    /// Of each caption, in order.
    pub scores: Vec<f64>,
}

impl CaptionScore {
    /// The mean as the score of the set.
    pub(crate) fn mean(scores: Vec<f64>) -> Self {
        let score = scores.iter().sum::<f64>() / scores.len() as f64;
        Self { score, scores }
    }
}

/// Checks that there are captions and that each has a reference.
pub(crate) fn check(metric: &'static str, items: &[CaptionItem]) -> Result<()> {
    if items.is_empty() {
        return Err(MetricError::Nothing {
            metric,
            item: "caption",
        });
    }
    match items.iter().position(|item| item.references.is_empty()) {
        None => Ok(()),
        Some(index) => Err(MetricError::NoReference { index }),
    }
}
