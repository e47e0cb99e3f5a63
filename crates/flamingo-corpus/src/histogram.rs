//! How a number is spread over documents or images, in bins that are the same for all units.

use serde::{Deserialize, Serialize};

/// Lower bounds of bins that grow in steps of 1, 2, 5.
const GROWING: [u64; 22] = [
    0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000,
    200_000, 500_000, 1_000_000, 2_000_000, 5_000_000,
];

/// How many values lie in each bin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram {
    counts: Vec<u64>,
}

impl Histogram {
    /// Counts a value.
    pub(crate) fn add(&mut self, value: u64) {
        let bin = GROWING.partition_point(|bound| *bound <= value) - 1;
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
        (first..self.counts.len()).map(|bin| {
            (
                GROWING[bin],
                GROWING.get(bin + 1).copied(),
                self.counts[bin],
            )
        })
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
        for value in [3, 4, 5, 19, 19] {
            histogram.add(value);
        }
        let bins: Vec<_> = histogram.bins().collect();
        assert_eq!(bins, [(2, Some(5), 2), (5, Some(10), 1), (10, Some(20), 2)]);
        assert_eq!(Histogram::default().bins().count(), 0);
    }

    #[test]
    fn spreads_of_units_add_up() {
        let (mut one, mut other) = (Histogram::default(), Histogram::default());
        one.add(0);
        other.add(u64::MAX);
        one.merge(&other);
        assert_eq!(one.total(), 2);
        assert_eq!(one.bins().last(), Some((5_000_000, None, 1)));
    }
}
