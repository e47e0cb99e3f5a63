//! The figures of some steps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Means over what the steps since the last line were about: each target counts once, however many
/// its batch has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Updates so far.
    pub step: u64,
    /// Mean loss of each source, in nats a target.
    pub losses: BTreeMap<String, f64>,
    /// Share of pictures that found their own text, by source, where that is counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accuracies: BTreeMap<String, f64>,
    /// Mean loss of each source's held-out samples, in nats a target, where they were looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held_out: BTreeMap<String, f64>,
    /// Share of these samples of which every target is the likeliest token.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exact: BTreeMap<String, f64>,
    /// Learning rate of the last step.
    pub rate: f64,
    /// Norm of all gradients before clipping.
    pub norm: f64,
    /// `tanh` of each gate after the last step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<String, f64>,
    /// Targets (tokens predicted, pictures told apart) a second.
    pub targets_per_second: f64,
    /// Since the run, or its last resumption, began its first step.
    pub seconds: f64,
    /// When the line was written, in seconds since 1970.
    #[serde(default)]
    pub wall_time: f64,
}
