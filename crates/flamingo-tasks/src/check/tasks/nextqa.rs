//! NextQA, open-ended: questions by video, a second reference for half of the test videos.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train.csv", "supports", Items::Rows).official(37_523),
        Expected::new("val.csv", "val", Items::Rows)
            .official(5_343)
            .optional(),
        Expected::new("test.csv", "test", Items::Rows).official(9_178),
        Expected::new(
            "add_reference_answer_test.json",
            "second references of test",
            Items::Values(None),
        )
        .official(500)
        .optional(),
    ],
    notes: &[
        "NExT-QA's multiple-choice files have the same names, columns a0 to a4, and other questions",
    ],
};
