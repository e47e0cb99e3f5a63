//! RareAct: a clip a row, of one of 149 actions.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[Expected::new("rareact.csv", "clips", Items::Rows).official(7_607)],
    notes: &["there are no supports: the paper scores with 0 shots"],
};
