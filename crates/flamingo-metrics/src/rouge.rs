//! ROUGE-L of captions.
//!
//! Agrees with `Rouge()` of pycocoevalcap 1.2: the best precision and the best recall over the references,
//! which may be of different ones; words are split at single spaces, so that an empty caption has one empty
//! word.

use crate::captions::{CaptionItem, CaptionScore, check};
use crate::error::Result;

/// How much more recall weighs than precision.
const BETA: f64 = 1.2;

/// ROUGE-L, 0 to 1: the mean over captions, and of each.
///
/// # Errors
///
/// No caption, or one without references.
pub fn rouge_l(items: &[CaptionItem]) -> Result<CaptionScore> {
    check("ROUGE-L", items)?;
    Ok(CaptionScore::mean(items.iter().map(one).collect()))
}

fn one(item: &CaptionItem) -> f64 {
    let caption: Vec<&str> = item.caption.split(' ').collect();
    let (mut precision, mut recall) = (0.0_f64, 0.0_f64);
    for reference in &item.references {
        let reference: Vec<&str> = reference.split(' ').collect();
        let common = longest_common(&reference, &caption) as f64;
        precision = precision.max(common / caption.len() as f64);
        recall = recall.max(common / reference.len() as f64);
    }
    if precision == 0.0 || recall == 0.0 {
        return 0.0;
    }
    (1.0 + BETA * BETA) * precision * recall / (recall + BETA * BETA * precision)
}

/// The length of the longest sequence of words that both have in this order.
fn longest_common(a: &[&str], b: &[&str]) -> usize {
    let mut lengths = vec![0; b.len() + 1];
    for word in a {
        let mut diagonal = 0;
        for (column, other) in b.iter().enumerate() {
            let above = lengths[column + 1];
            lengths[column + 1] = match word == other {
                true => diagonal + 1,
                false => above.max(lengths[column]),
            };
            diagonal = above;
        }
    }
    lengths[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_common_sequence_may_have_gaps_and_keeps_the_order() {
        let a = ["one", "big", "dog", "runs"];
        assert_eq!(longest_common(&a, &["one", "dog", "runs", "fast"]), 3);
        assert_eq!(longest_common(&a, &["runs", "dog"]), 1);
        assert_eq!(longest_common(&a, &[]), 0);
    }
}
