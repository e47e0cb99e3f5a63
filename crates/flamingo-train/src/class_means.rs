//! What the frozen encoder tells apart by itself: the class of a picture is the one whose mean of features is nearest by
//! the cosine (Snell et al., 2017). A fine-tuning that is no better was not needed.

use std::collections::BTreeMap;

use crate::held_out::Split;

/// How many held-out samples are nearest to the mean of their own class; none where samples are of no classes: of two or
/// more, each of two trained samples or more on average, and none of them only held out.
///
/// `says` are the texts of all samples, which are their classes, `features` what the encoder makes of each.
pub(crate) fn right(says: &[String], features: &[Vec<f32>], split: &Split) -> Option<usize> {
    let mut means: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
    for &sample in &split.trained {
        let own = &features[sample];
        let sum = means
            .entry(&says[sample])
            .or_insert_with(|| vec![0.0; own.len()]);
        sum.iter_mut().zip(own).for_each(|(sum, x)| *sum += x);
    }
    let of_known = |sample: &usize| means.contains_key(says[*sample].as_str());
    if means.len() < 2
        || 2 * means.len() > split.trained.len()
        || !split.held_out.iter().all(of_known)
    {
        return None;
    }
    let nearest = |sample: &usize| {
        let likeness = |mean: &Vec<f32>| cosine(mean, &features[*sample]);
        let best = means
            .iter()
            .max_by(|a, b| likeness(a.1).total_cmp(&likeness(b.1)))?;
        Some(*best.0)
    };
    let is_right = |sample: &&usize| nearest(sample) == Some(says[**sample].as_str());
    Some(split.held_out.iter().filter(is_right).count())
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f32::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_of_the_nearest_mean_is_counted_and_captions_are_no_classes() {
        let says = ["a", "a", "b", "b", "a", "b", "b"].map(str::to_owned);
        let features: Vec<Vec<f32>> = [
            [1.0, 0.1],
            [3.0, 0.0],
            [0.0, 1.0],
            [0.2, 5.0],
            [2.0, 0.3],
            [0.1, 0.2],
            [9.0, 1.0],
        ]
        .map(|f| f.to_vec())
        .to_vec();
        let split = Split {
            trained: vec![0, 1, 2, 3],
            held_out: vec![4, 5, 6],
        };
        assert_eq!(right(&says, &features, &split), Some(2));
        let own: Vec<String> = (0..7).map(|i| i.to_string()).collect();
        assert_eq!(right(&own, &features, &split), None);
        let one = vec!["a".to_owned(); 7];
        assert_eq!(right(&one, &features, &split), None);
    }
}
