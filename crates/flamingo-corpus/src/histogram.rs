//! How a number is spread over documents or images, in bins that are the same for all units.

use serde::{Deserialize, Serialize};

/// Lower bounds of bins: every number up to 10, then in steps of about a half.
const BOUNDS: [u64; 47] = bounds();

const fn bounds() -> [u64; 47] {
    const STEPS: [u64; 6] = [10, 15, 20, 30, 50, 70];
    let mut bounds = [0; 47];
    let mut at = 0;
    while at < bounds.len() {
        bounds[at] = if at < 10 {
            at as u64
        } else {
            STEPS[(at - 10) % 6] * 10_u64.pow(((at - 10) / 6) as u32)
        };
        at += 1;
    }
    bounds
}

/// How many values lie in each bin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram {
    counts: Vec<u64>,
}

impl Histogram {
    /// Counts a value.
    pub(crate) fn add(&mut self, value: u64) {
        let bin = BOUNDS.partition_point(|bound| *bound <= value) - 1;
        if self.counts.len() <= bin {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += 1;
    }

    /// Adds another's counts.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (own, others) in self.counts.iter_mut().zip(&other.counts) {
            *own += others;
        }
    }

    /// The bins from the first that holds a value to the last: lower bound, upper bound (not in it), count.
    pub fn bins(&self) -> impl Iterator<Item = (u64, Option<u64>, u64)> {
        let first = self.counts.iter().position(|count| *count > 0);
        let first = first.unwrap_or(self.counts.len());
        (first..self.counts.len())
            .map(|bin| (BOUNDS[bin], BOUNDS.get(bin + 1).copied(), self.counts[bin]))
    }

    /// How many values were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// The spreads that a data card shows, over what is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histograms {
    /// Words in a document's texts.
    pub words: Histogram,
    /// Images in a document.
    pub images: Histogram,
    /// Characters in a text between images.
    pub text_characters: Histogram,
    /// Pixels of an image's shorter side.
    pub image_sides: Histogram,
}

impl Histograms {
    /// Adds another's counts.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.words.merge(&other.words);
        self.images.merge(&other.images);
        self.text_characters.merge(&other.text_characters);
        self.image_sides.merge(&other.image_sides);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_go_from_the_first_value_to_the_last() {
        let mut histogram = Histogram::default();
        for value in [9, 10, 14, 15, 15] {
            histogram.add(value);
        }
        let bins: Vec<_> = histogram.bins().collect();
        assert_eq!(
            bins,
            [(9, Some(10), 1), (10, Some(15), 2), (15, Some(20), 2)]
        );
        assert_eq!(Histogram::default().bins().count(), 0);
    }

    #[test]
    fn spreads_of_units_add_up() {
        let (mut one, mut other) = (Histogram::default(), Histogram::default());
        one.add(0);
        other.add(u64::MAX);
        one.merge(&other);
        assert_eq!(one.total(), 2);
        assert_eq!(one.bins().last(), Some((10_000_000, None, 1)));
    }

    #[test]
    fn bounds_grow() {
        assert!(BOUNDS.is_sorted_by(|one, next| one < next));
    }
}
