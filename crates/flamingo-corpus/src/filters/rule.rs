//! A rule of texts: a measure, a threshold and the reason that is given when the one misses the
//! other.

use crate::measures::TextMeasures;

use super::{Reason, Thresholds, characters, length, lines, repetition, words};

/// A bound on one measure of a text.
pub(super) struct Rule {
    pub(super) reason: Reason,
    pub(super) measure: fn(&TextMeasures, &Thresholds) -> f32,
    pub(super) threshold: fn(&Thresholds) -> Option<f64>,
    pub(super) side: Side,
}

/// On which side of its threshold a measure has to be; the threshold itself is well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    AtLeast,
    AtMost,
}

/// The measure must reach the threshold.
pub(super) const fn at_least(
    reason: Reason,
    measure: fn(&TextMeasures, &Thresholds) -> f32,
    threshold: fn(&Thresholds) -> Option<f64>,
) -> Rule {
    Rule {
        reason,
        measure,
        threshold,
        side: Side::AtLeast,
    }
}

/// The measure must not exceed the threshold.
pub(super) const fn at_most(
    reason: Reason,
    measure: fn(&TextMeasures, &Thresholds) -> f32,
    threshold: fn(&Thresholds) -> Option<f64>,
) -> Rule {
    Rule {
        reason,
        measure,
        threshold,
        side: Side::AtMost,
    }
}

impl Rule {
    fn fails(&self, measures: &TextMeasures, thresholds: &Thresholds) -> bool {
        // Measures have the precision of an `f32`, so a threshold is met at that precision.
        let Some(threshold) = (self.threshold)(thresholds).map(|value| value as f32) else {
            return false;
        };
        let value = (self.measure)(measures, thresholds);
        match self.side {
            Side::AtLeast => value < threshold,
            Side::AtMost => value > threshold,
        }
    }
}

/// All rules of texts.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    let files = [
        length::RULES,
        characters::RULES,
        lines::RULES,
        words::RULES,
        repetition::RULES,
    ];
    files.into_iter().flatten()
}

/// The reasons for which a text fails, each once, in the order of the funnel.
pub(super) fn reasons(measures: &TextMeasures, thresholds: &Thresholds) -> Vec<Reason> {
    let failing = rules().filter(|rule| rule.fails(measures, thresholds));
    let mut reasons: Vec<Reason> = failing.map(|rule| rule.reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}
