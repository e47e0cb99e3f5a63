//! iVQA: a question a row, five annotators.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train.csv", "supports", Items::Rows).official(6_000),
        Expected::new("val.csv", "val", Items::Rows)
            .official(2_000)
            .optional(),
        Expected::new("test.csv", "test", Items::Rows).official(2_000),
    ],
    notes: &["one of five annotators is half a point, two are one"],
};
