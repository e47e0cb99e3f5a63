//! What became of a source's samples.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many samples a source has, and how many were left out for what reason.
///
/// Each sample left out is also named in a `tracing` warning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Samples found.
    pub found: usize,
    /// Samples left out, by reason.
    pub left_out: BTreeMap<String, usize>,
    /// SHA-256 over the documents that were kept, in order.
    pub fingerprint: String,
}

impl Report {
    /// Samples that can be used.
    pub fn kept(&self) -> usize {
        self.found - self.left_out.values().sum::<usize>()
    }

    /// Counts a sample that is left out and names it in a warning.
    pub fn leave_out(&mut self, sample: &str, reason: &str, detail: &dyn std::fmt::Display) {
        tracing::warn!(sample, reason, "left out: {detail}");
        *self.left_out.entry(reason.to_owned()).or_default() += 1;
    }
}
