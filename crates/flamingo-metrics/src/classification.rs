//! Top-1 and top-k accuracy: ImageNet, Kinetics700.
//!
//! Agrees with OpenFlamingo's `get_predicted_classnames` (655f693fbfa0), which takes the highest scores as
//! f32, where they differ. Of equal scores the lowest class comes first; OpenFlamingo leaves it to
//! `torch.topk`, which gives any.

use crate::error::{MetricError, Result, finite, same_length};

/// The `k` best classes, best first.
///
/// # Errors
///
/// Fewer classes than `k`, or a score that is no finite number.
pub fn top_classes(scores: &[f64], k: usize) -> Result<Vec<usize>> {
    finite(scores)?;
    if k > scores.len() {
        return Err(MetricError::Bound {
            what: "k",
            index: 0,
            value: k,
            bound: scores.len() + 1,
        });
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let score = |class: usize| scores[class] as f32;
    order.sort_by(|&a, &b| {
        score(b)
            .partial_cmp(&score(a))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    order.truncate(k);
    Ok(order)
}

/// The share of samples whose label is among their `k` best classes, 0 to 1.
///
/// # Errors
///
/// No sample, not as many labels, or as [`top_classes`].
pub fn top_k_accuracy(scores: &[Vec<f64>], labels: &[usize], k: usize) -> Result<f64> {
    same_length(("rows of scores", scores.len()), ("labels", labels.len()))?;
    if labels.is_empty() {
        return Err(MetricError::Nothing {
            metric: "accuracy",
            item: "sample",
        });
    }
    let mut right = 0;
    for (row, label) in scores.iter().zip(labels) {
        right += usize::from(top_classes(row, k)?.contains(label));
    }
    Ok(right as f64 / labels.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_scores_the_lowest_class_comes_first() {
        let top = top_classes(&[-3.0, -1.0, -1.0, -2.0, -1.0], 2);
        assert_eq!(top.expect("five classes"), [1, 2]);
    }

    #[test]
    fn more_places_than_classes_are_refused() {
        assert!(matches!(
            top_classes(&[0.5, 0.25], 3),
            Err(MetricError::Bound { .. })
        ));
    }
}
