//! OKVQA: in VQA's form, its answers stemmed by the makers.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new(
            "OpenEnded_mscoco_train2014_questions.json",
            "questions of the supports",
            Items::List(&["questions"]),
        )
        .official(9_009),
        Expected::new(
            "mscoco_train2014_annotations.json",
            "answers of the supports",
            Items::List(&["annotations"]),
        )
        .official(9_009),
        Expected::new(
            "OpenEnded_mscoco_val2014_questions.json",
            "questions of val",
            Items::List(&["questions"]),
        )
        .official(5_046),
        Expected::new(
            "mscoco_val2014_annotations.json",
            "answers of val",
            Items::List(&["annotations"]),
        )
        .official(5_046),
    ],
    notes: &["versions 1.0 and 1.1 differ in how answers are stemmed, not in their names"],
};
