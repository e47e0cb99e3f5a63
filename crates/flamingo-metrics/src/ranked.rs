//! ROC AUC and average precision: HatefulMemes, and what RareAct's mWAP is made of.
//!
//! Agrees with `roc_auc_score` and `average_precision_score` of scikit-learn 1.9.1: only scores that are
//! exactly equal are a tie; where all labels are of one class, ROC AUC has no value.

use crate::error::{MetricError, Result, finite, same_length};

/// One step of a ranking: all samples of one score, by weight.
struct Step {
    positive: f64,
    negative: f64,
}

/// The steps from the highest score to the lowest.
fn steps(labels: &[bool], scores: &[f64], weights: Option<&[f64]>) -> Result<Vec<Step>> {
    same_length(("labels", labels.len()), ("scores", scores.len()))?;
    if scores.is_empty() {
        return Err(MetricError::Nothing {
            metric: "a ranking",
            item: "score",
        });
    }
    finite(scores)?;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    // Plus and minus 0 are equal, though one is ordered before the other.
    let steps = order.chunk_by(|&a, &b| scores[a] == scores[b]);
    Ok(steps
        .map(|samples| {
            let weigh = |label: bool| {
                let samples = samples.iter().filter(|&&sample| labels[sample] == label);
                samples
                    .map(|&sample| weights.map_or(1.0, |weights| weights[sample]))
                    .sum()
            };
            Step {
                positive: weigh(true),
                negative: weigh(false),
            }
        })
        .collect())
}

/// The area under the ROC curve, 0 to 1; `None` if all labels are the same.
///
/// # Errors
///
/// No sample, lists of different lengths, or a score that is no finite number.
pub fn roc_auc(labels: &[bool], scores: &[f64]) -> Result<Option<f64>> {
    let steps = steps(labels, scores, None)?;
    let positives: f64 = steps.iter().map(|step| step.positive).sum();
    let negatives: f64 = steps.iter().map(|step| step.negative).sum();
    if positives == 0.0 || negatives == 0.0 {
        return Ok(None);
    }
    let (mut area, mut above) = (0.0, 0.0);
    for step in &steps {
        // Half of the step's own positives are above its negatives.
        area += step.negative * (above + step.positive / 2.0);
        above += step.positive;
    }
    Ok(Some(area / (positives * negatives)))
}

/// Average precision, 0 to 1: precision summed over the steps of recall, without interpolation; 0 without
/// positive samples.
///
/// # Errors
///
/// As [`roc_auc`].
pub fn average_precision(labels: &[bool], scores: &[f64]) -> Result<f64> {
    average_precision_of(&steps(labels, scores, None)?)
}

/// Average precision of samples that weigh differently.
///
/// # Errors
///
/// As [`roc_auc`]; also if there are not as many weights.
pub fn weighted_average_precision(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<f64> {
    same_length(("scores", scores.len()), ("weights", weights.len()))?;
    average_precision_of(&steps(labels, scores, Some(weights))?)
}

fn average_precision_of(steps: &[Step]) -> Result<f64> {
    let positives: f64 = steps.iter().map(|step| step.positive).sum();
    if positives == 0.0 {
        return Ok(0.0);
    }
    let (mut found, mut seen, mut sum) = (0.0, 0.0, 0.0);
    for step in steps {
        found += step.positive;
        seen += step.positive + step.negative;
        sum += step.positive / positives * (found / seen);
    }
    Ok(sum)
}

/// Labels that are numbers of two classes: the larger is positive.
///
/// # Errors
///
/// More than two classes.
pub fn binary_labels(labels: &[f64]) -> Result<Vec<bool>> {
    let mut classes = labels.to_vec();
    classes.sort_by(f64::total_cmp);
    classes.dedup();
    match classes.as_slice() {
        [] => Ok(Vec::new()),
        // One class alone has no value of ROC AUC, whichever it is.
        [_] => Ok(labels.iter().map(|&label| label > 0.0).collect()),
        [_, positive] => Ok(labels.iter().map(|label| label == positive).collect()),
        _ => Err(MetricError::Classes {
            classes: classes.len(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_tie_counts() {
        let labels = [true, false, true, false];
        let scores = [0.7, 0.7, 0.9, 0.1];
        // Of four pairs three are in order, one is a tie.
        assert_eq!(
            roc_auc(&labels, &scores).expect("four samples"),
            Some(3.5 / 4.0)
        );
    }

    #[test]
    fn plus_and_minus_nought_are_a_tie() {
        let area = roc_auc(&[false, true], &[0.0, -0.0]);
        assert_eq!(area.expect("two samples"), Some(0.5));
    }

    #[test]
    fn one_class_has_no_area_and_a_score_that_is_no_number_is_told_by_its_place() {
        assert_eq!(
            roc_auc(&[true; 3], &[0.1, 0.2, 0.3]).expect("three samples"),
            None
        );
        let error = roc_auc(&[true, false], &[0.1, f64::NAN]);
        assert!(matches!(
            error,
            Err(MetricError::NotFinite { index: 1, .. })
        ));
    }

    #[test]
    fn weights_count_as_copies_of_a_sample() {
        let weighted =
            weighted_average_precision(&[true, false, true], &[0.2, 0.5, 0.9], &[2.0, 3.0, 1.0]);
        let labels = [true, true, false, false, false, true];
        let copies = average_precision(&labels, &[0.2, 0.2, 0.5, 0.5, 0.5, 0.9]);
        let (weighted, copies) = (weighted.expect("weights"), copies.expect("copies"));
        assert!((weighted - copies).abs() < 1e-12);
    }
}
