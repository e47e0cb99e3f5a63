//! What counts as a repetition, and how often something may repeat: the section `[deduplication]`.

use serde::{Deserialize, Serialize};

/// The section `[deduplication]` of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deduplication {}
