//! The learning rate over the steps of a run.

use serde::{Deserialize, Serialize};

/// How the learning rate goes from its peak to its floor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// It stays at its peak (the paper's Flamingo).
    #[default]
    Constant,
    /// A straight line (the paper's contrastive training).
    Linear,
    /// Half a cosine.
    Cosine,
}

/// Steps of a run and the learning rate in each.
///
/// `rate * warmup factor * shape factor`: the first rises linearly to 1 over `warmup` steps, the
/// second falls from 1 at step `decay_from` towards `floor`, which it would reach at step `steps`.
/// Steps are counted from 0, so the last one, `steps - 1`, is still one step's fall above the floor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Updates in all.
    pub steps: u64,
    /// Peak learning rate.
    pub rate: f64,
    /// Steps of linear warm-up.
    #[serde(default)]
    pub warmup: u64,
    /// How it falls.
    #[serde(default)]
    pub shape: Shape,
    /// The step from which it falls.
    #[serde(default)]
    pub decay_from: u64,
    /// What would be left of it in the step after the last, as a share of the peak.
    #[serde(default)]
    pub floor: f64,
}

impl Schedule {
    /// The learning rate of step `step` (from 0).
    pub fn at(&self, step: u64) -> f64 {
        let warm = match self.warmup {
            0 => 1.0,
            warmup => ((step + 1) as f64 / warmup as f64).min(1.0),
        };
        let length = self.steps.saturating_sub(self.decay_from).max(1);
        let progress = (step.saturating_sub(self.decay_from) as f64 / length as f64).min(1.0);
        let left = match self.shape {
            Shape::Constant => return self.rate * warm,
            Shape::Linear => 1.0 - progress,
            Shape::Cosine => (1.0 + (std::f64::consts::PI * progress).cos()) / 2.0,
        };
        self.rate * warm * (self.floor + (1.0 - self.floor) * left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(shape: Shape) -> Schedule {
        Schedule {
            steps: 100,
            rate: 2.0,
            warmup: 10,
            shape,
            decay_from: 0,
            floor: 0.1,
        }
    }

    #[test]
    fn warm_up_rises_linearly_to_the_peak() {
        let constant = schedule(Shape::Constant);
        assert_eq!(constant.at(0), 0.2);
        assert_eq!(constant.at(4), 1.0);
        assert_eq!([9, 50, 99].map(|step| constant.at(step)), [2.0; 3]);
    }

    #[test]
    fn linear_and_cosine_fall_to_the_floor() {
        for shape in [Shape::Linear, Shape::Cosine] {
            let schedule = schedule(shape);
            assert!((schedule.at(50) - 2.0 * 0.55).abs() < 1e-12);
            // The step after the last; the last one is above it by less than any fall before.
            assert!((schedule.at(100) - 0.2).abs() < 1e-12);
            assert!((0.2..0.22).contains(&schedule.at(99)));
            assert!((10..99).all(|step| schedule.at(step) > schedule.at(step + 1)));
        }
    }

    #[test]
    fn a_later_decay_holds_the_peak_until_then() {
        let schedule = Schedule {
            decay_from: 60,
            ..schedule(Shape::Linear)
        };
        assert_eq!(schedule.at(60), 2.0);
        assert!((schedule.at(80) - 1.1).abs() < 1e-12);
        assert!((schedule.at(100) - 0.2).abs() < 1e-12);
    }
}
