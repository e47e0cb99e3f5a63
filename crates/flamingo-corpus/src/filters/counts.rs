//! How many documents and paragraphs each reason drops.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Decision, Reason};

/// Counts of decisions; those of units add up to those of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Documents decided about.
    pub documents: u64,
    /// Those kept.
    pub kept: u64,
    /// Documents dropped, by reason.
    pub reasons: BTreeMap<Reason, Tally>,
    /// Paragraphs dropped from documents, by reason.
    pub paragraphs: BTreeMap<Reason, Tally>,
}

/// How often a reason was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// As the first: these add up to all that is dropped.
    pub first: u64,
    /// At all.
    pub any: u64,
}

impl Counts {
    /// Counts a decision.
    pub fn add(&mut self, decision: &Decision) {
        self.documents += 1;
        self.kept += u64::from(decision.kept);
        tally(&mut self.reasons, &decision.reasons);
        for part in &decision.parts {
            tally(&mut self.paragraphs, &part.reasons);
        }
    }

    /// Adds the counts of other decisions.
    pub fn merge(&mut self, other: &Self) {
        self.documents += other.documents;
        self.kept += other.kept;
        for (own, others) in [
            (&mut self.reasons, &other.reasons),
            (&mut self.paragraphs, &other.paragraphs),
        ] {
            for (reason, tally) in others {
                let sum = own.entry(*reason).or_default();
                sum.first += tally.first;
                sum.any += tally.any;
            }
        }
    }
}

fn tally(counts: &mut BTreeMap<Reason, Tally>, reasons: &[Reason]) {
    for (at, reason) in reasons.iter().enumerate() {
        let tally = counts.entry(*reason).or_default();
        tally.any += 1;
        tally.first += u64::from(at == 0);
    }
}
