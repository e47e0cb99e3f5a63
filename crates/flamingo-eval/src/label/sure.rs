//! When a label is sure: a threshold on its probability, set by shots that were left out.

use serde::Serialize;

/// From which probability on a label counts as sure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Threshold {
    /// The probability.
    pub probability: f32,
    /// Shots left out that are at least as sure as that, and how many of them were labelled rightly; none where
    /// no shot could be left out.
    pub shots: Option<(usize, usize)>,
}

impl Threshold {
    /// The lowest threshold from which on at least `right` of the left-out shots (0 to 1) are labelled rightly,
    /// half-way to the next shot below. Each is the probability of its likeliest class, and whether that is its
    /// own. If all shots may count as sure, it is no higher than `right`; without any, or if no threshold
    /// does, it is `right` itself: probabilities are taken at their word.
    pub fn of(shots: &[(f32, bool)], right: f32) -> Self {
        let mut sorted = shots.to_vec();
        sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut found = None;
        let mut hits = 0;
        for (count, (probability, hit)) in (1..).zip(&sorted) {
            hits += usize::from(*hit);
            // Those of equal probability are sure together.
            let last = sorted.get(count).is_none_or(|next| next.0 < *probability);
            if last && hits as f32 >= right * count as f32 {
                let threshold = match sorted.get(count) {
                    Some((next, _)) => (probability + next) / 2.0,
                    None => probability.min(right),
                };
                found = Some((threshold, (count, hits)));
            }
        }
        match found {
            Some((probability, shots)) => Self {
                probability,
                shots: Some(shots),
            },
            None => Self {
                probability: right,
                shots: (!shots.is_empty()).then_some((0, 0)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_the_lowest_that_keeps_the_share_of_right_shots() {
        let shots = [
            (0.9, true),
            (0.5, true),
            (0.8, true),
            (0.6, false),
            (0.4, true),
        ];
        let of = |right| Threshold::of(&shots, right);
        assert_eq!(of(1.0).shots, Some((2, 2)));
        assert!((of(1.0).probability - 0.7).abs() < 1e-6);
        assert_eq!((of(0.8).probability, of(0.8).shots), (0.4, Some((5, 4))));
        assert_eq!(of(0.75).probability, 0.4);
    }

    #[test]
    fn equal_probabilities_are_sure_together() {
        let shots = [(0.7, true), (0.7, false), (0.9, true)];
        assert!((Threshold::of(&shots, 1.0).probability - 0.8).abs() < 1e-6);
        assert_eq!(Threshold::of(&shots, 0.6).probability, 0.6);
        assert_eq!(Threshold::of(&shots, 0.6).shots, Some((3, 2)));
    }

    #[test]
    fn without_shots_or_with_wrong_ones_alone_probabilities_are_taken_at_their_word() {
        assert_eq!(
            (
                Threshold::of(&[], 0.9).probability,
                Threshold::of(&[], 0.9).shots
            ),
            (0.9, None)
        );
        let wrong = Threshold::of(&[(0.99, false)], 0.9);
        assert_eq!((wrong.probability, wrong.shots), (0.9, Some((0, 0))));
    }
}
