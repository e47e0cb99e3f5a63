//! BLEU-1 to BLEU-4 of captions.
//!
//! Agrees with `Bleu(4)` of pycocoevalcap 1.2, which is tylin/coco-caption's: clipped counts over the whole
//! set, the reference length closest to the caption's, tiny numbers against divisions by 0.

use std::collections::HashMap;

use crate::captions::{CaptionItem, CaptionScore, check};
use crate::error::Result;
use crate::ngrams::{ORDERS, counts, words};

/// The official code's numbers that keep an n-gram count of 0 from stopping it.
const TINY: f64 = 1e-15;
const SMALL: f64 = 1e-9;

/// What the score needs of one caption, or of a set by sums.
#[derive(Clone, Copy, Default)]
struct Tally {
    length: usize,
    reference_length: usize,
    guesses: [usize; ORDERS],
    correct: [usize; ORDERS],
}

impl Tally {
    fn of(item: &CaptionItem) -> Self {
        let caption = words(&item.caption);
        let references: Vec<Vec<&str>> = item.references.iter().map(|text| words(text)).collect();
        let closest = references
            .iter()
            .map(Vec::len)
            .min_by_key(|&length| (length.abs_diff(caption.len()), length));
        let mut tally = Self {
            length: caption.len(),
            reference_length: closest.unwrap_or(0),
            ..Self::default()
        };
        for order in 0..ORDERS {
            tally.guesses[order] = caption.len().saturating_sub(order);
            let mut most: HashMap<&[&str], usize> = HashMap::new();
            for reference in &references {
                for (run, count) in counts(reference, order + 1) {
                    let most = most.entry(run).or_default();
                    *most = count.max(*most);
                }
            }
            tally.correct[order] = counts(&caption, order + 1)
                .into_iter()
                .map(|(run, count)| count.min(most.get(run).copied().unwrap_or(0)))
                .sum();
        }
        tally
    }

    fn add(&mut self, other: &Self) {
        self.length += other.length;
        self.reference_length += other.reference_length;
        for order in 0..ORDERS {
            self.guesses[order] += other.guesses[order];
            self.correct[order] += other.correct[order];
        }
    }

    fn scores(&self) -> [f64; ORDERS] {
        let ratio = (self.length as f64 + TINY) / (self.reference_length as f64 + SMALL);
        let brevity = if ratio < 1.0 {
            (1.0 - 1.0 / ratio).exp()
        } else {
            1.0
        };
        let mut product = 1.0;
        std::array::from_fn(|order| {
            product *= (self.correct[order] as f64 + TINY) / (self.guesses[order] as f64 + SMALL);
            f64::powf(product, 1.0 / (order + 1) as f64) * brevity
        })
    }
}

/// BLEU-1 to BLEU-4, 0 to 1, of the set and of each caption.
///
/// # Errors
///
/// No caption, or one without references.
pub fn bleu(items: &[CaptionItem]) -> Result<[CaptionScore; ORDERS]> {
    check("BLEU", items)?;
    let tallies: Vec<Tally> = items.iter().map(Tally::of).collect();
    let mut total = Tally::default();
    tallies.iter().for_each(|tally| total.add(tally));
    let each: Vec<[f64; ORDERS]> = tallies.iter().map(Tally::scores).collect();
    let total = total.scores();
    Ok(std::array::from_fn(|order| CaptionScore {
        score: total[order],
        scores: each.iter().map(|scores| scores[order]).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_half_as_long_as_its_reference_is_punished_for_brevity() {
        let items = [CaptionItem {
            references: vec!["two grey geese cross a road".to_owned()],
            caption: "two grey geese".to_owned(),
        }];
        let [one, .., four] = bleu(&items).expect("one caption with a reference");
        assert!(
            (one.score - (1.0_f64 - 2.0).exp()).abs() < 1e-8,
            "{}",
            one.score
        );
        // Three words have no run of four: tiny by small.
        let none = (TINY / SMALL).powf(0.25) * (1.0_f64 - 2.0).exp();
        assert!((four.score - none).abs() < 1e-8, "{}", four.score);
    }
}
