//! The share of queries that were answered rightly.

use std::fmt;

use serde::{Serialize, Serializer};

/// Right answers out of queries. Its JSON is the accuracy alone, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Queries answered rightly.
    pub right: usize,
    /// All queries.
    pub queries: usize,
}

impl Share {
    /// Right answers per query, 0 to 1; 0 without queries.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.queries.max(1) as f64
    }

    /// The standard error of [`Share::accuracy`]: that of a binomial share.
    pub fn standard_error(&self) -> f64 {
        let p = self.accuracy();
        (p * (1.0 - p) / self.queries.max(1) as f64).sqrt()
    }

    pub(crate) fn count(&mut self, right: bool) {
        self.right += usize::from(right);
        self.queries += 1;
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.accuracy())
    }
}

/// `83.2% ±1.7`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, error) = (self.accuracy() * 100.0, self.standard_error() * 100.0);
        f.pad(&format!("{percent:.1}% ±{error:.1}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_the_standard_error_of_a_binomial() {
        let share = Share {
            right: 80,
            queries: 100,
        };
        assert_eq!(share.accuracy(), 0.8);
        assert!((share.standard_error() - 0.04).abs() < 1e-12);
        assert_eq!(share.to_string(), "80.0% ±4.0");
        assert_eq!(format!("{share:>14}|"), "    80.0% ±4.0|");
    }

    #[test]
    fn nothing_asked_is_nothing_right() {
        assert_eq!(Share::default().accuracy(), 0.0);
        assert_eq!(Share::default().standard_error(), 0.0);
    }
}
