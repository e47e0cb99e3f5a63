//! What became of a source's samples.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// So many samples left out for one reason are warned of.
const WARNINGS: usize = 10;

/// How many samples a source has, and how many were left out for what reason.
///
/// Each sample left out is also named in the log: the first few of each reason as warnings, the others as information.
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

    /// Counts a sample that is left out and names it in the log.
    pub fn leave_out(&mut self, sample: &str, reason: &str, detail: &dyn std::fmt::Display) {
        let count = self.left_out.entry(reason.to_owned()).or_default();
        *count += 1;
        if *count > WARNINGS {
            tracing::info!(sample, reason, "left out: {detail}");
            return;
        }
        tracing::warn!(sample, reason, "left out: {detail}");
        if *count == WARNINGS {
            tracing::warn!(
                reason,
                "further samples are counted, and named where the log tells more"
            );
        }
    }
}
