//! CIDEr-D of captions.
//!
//! Agrees with `Cider()` of pycocoevalcap 1.2 (the formulas of tylin/coco-caption): weights of n-grams come
//! from the references of the captions that are scored, so a part of a set has another scale than the whole,
//! and one image alone scores 0. Published figures are the score times 100.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::captions::{CaptionItem, CaptionScore, check};
use crate::error::{MetricError, Result};
use crate::ngrams::{ORDERS, counts, words};

/// How fast a difference in length takes from the score.
const SIGMA: f64 = 6.0;

/// In how many images' references each n-gram comes.
type Frequencies<'a> = HashMap<Vec<&'a str>, usize>;

/// CIDEr-D, 0 to 10: the mean over captions, and of each.
///
/// # Errors
///
/// No caption, one without references, or no reference with a word.
pub fn cider_d(items: &[CaptionItem]) -> Result<CaptionScore> {
    check("CIDEr", items)?;
    let frequencies = frequencies(items);
    if frequencies.is_empty() {
        return Err(MetricError::EmptyReferences);
    }
    let scores = items.iter().map(|item| {
        let caption = Weighed::new(&item.caption, &frequencies, items.len());
        let references = item.references.iter();
        let sum: f64 = references
            .map(|text| caption.similarity(&Weighed::new(text, &frequencies, items.len())))
            .sum();
        10.0 * sum / item.references.len() as f64
    });
    Ok(CaptionScore::mean(scores.collect()))
}

fn frequencies(items: &[CaptionItem]) -> Frequencies<'_> {
    let mut frequencies = Frequencies::new();
    for item in items {
        let references: Vec<Vec<&str>> = item.references.iter().map(|text| words(text)).collect();
        let distinct: BTreeSet<Vec<&str>> = references
            .iter()
            .flat_map(|words| (1..=ORDERS).flat_map(move |order| words.windows(order)))
            .map(<[&str]>::to_vec)
            .collect();
        for run in distinct {
            *frequencies.entry(run).or_default() += 1;
        }
    }
    frequencies
}

/// A caption's n-grams with their weights, for each length.
struct Weighed<'a> {
    weights: [BTreeMap<Vec<&'a str>, f64>; ORDERS],
    norms: [f64; ORDERS],
    /// The number of pairs of words: what the official code compares as length.
    pairs: f64,
}

impl<'a> Weighed<'a> {
    fn new(caption: &'a str, frequencies: &Frequencies, images: usize) -> Self {
        let words = words(caption);
        let images = (images as f64).ln();
        let weights: [BTreeMap<_, _>; ORDERS] = std::array::from_fn(|order| {
            counts(&words, order + 1)
                .into_iter()
                .map(|(run, count)| {
                    let frequency = frequencies.get(run).copied().unwrap_or(0).max(1);
                    let weight = count as f64 * (images - (frequency as f64).ln());
                    (run.to_vec(), weight)
                })
                .collect()
        });
        let norms = std::array::from_fn(|order| {
            let squares = weights[order].values().map(|weight| weight * weight);
            squares.sum::<f64>().sqrt()
        });
        Self {
            weights,
            norms,
            pairs: words.len().saturating_sub(1) as f64,
        }
    }

    /// The mean over the lengths of n-grams.
    fn similarity(&self, reference: &Self) -> f64 {
        let difference = self.pairs - reference.pairs;
        let penalty = (-(difference * difference) / (2.0 * SIGMA * SIGMA)).exp();
        let sum: f64 = (0..ORDERS)
            .map(|order| {
                let product: f64 = self.weights[order]
                    .iter()
                    .filter_map(|(run, weight)| Some((weight, reference.weights[order].get(run)?)))
                    .map(|(&weight, &other)| weight.min(other) * other)
                    .sum();
                match self.norms[order] * reference.norms[order] {
                    0.0 => product,
                    norms => product / norms * penalty,
                }
            })
            .sum();
        sum / ORDERS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(reference: &str, caption: &str) -> CaptionItem {
        CaptionItem {
            references: vec![reference.to_owned()],
            caption: caption.to_owned(),
        }
    }

    #[test]
    fn a_caption_that_is_its_reference_gets_a_quarter_of_ten_for_each_length_that_it_has() {
        let items = [
            item("plum", "plum"),
            item("grey geese fly", "grey geese fly"),
        ];
        let score = cider_d(&items).expect("two captions with references");
        assert_eq!(score.scores, [2.5, 7.5]);
    }

    #[test]
    fn one_image_alone_scores_nothing() {
        let score = cider_d(&[item("grey geese fly south", "grey geese fly south")]);
        assert_eq!(score.expect("one caption").score, 0.0);
    }

    #[test]
    fn references_without_words_have_no_score() {
        let score = cider_d(&[item("", "geese"), item(" ", "")]);
        assert!(matches!(score, Err(MetricError::EmptyReferences)));
    }
}
