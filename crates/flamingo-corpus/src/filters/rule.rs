//! A rule of texts: a measure, a threshold and the reason that is given when the one misses the
//! other.

use crate::measures::TextMeasures;

use super::{Reason, Thresholds};

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
    /// Whether the measure is on the wrong side.
    pub(super) fn fails(&self, measures: &TextMeasures, thresholds: &Thresholds) -> bool {
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
