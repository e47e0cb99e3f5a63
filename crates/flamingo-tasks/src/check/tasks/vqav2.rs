//! VQAv2: questions and annotations of COCO's pictures; the answers of test are not published.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new(
            "v2_OpenEnded_mscoco_train2014_questions.json",
            "questions of the supports",
            Items::List(&["questions"]),
        )
        .official(443_757),
        Expected::new(
            "v2_mscoco_train2014_annotations.json",
            "answers of the supports",
            Items::List(&["annotations"]),
        )
        .official(443_757),
        Expected::new(
            "v2_OpenEnded_mscoco_val2014_questions.json",
            "questions of val",
            Items::List(&["questions"]),
        )
        .official(214_354),
        Expected::new(
            "v2_mscoco_val2014_annotations.json",
            "answers of val",
            Items::List(&["annotations"]),
        )
        .official(214_354),
        Expected::new(
            "v2_OpenEnded_mscoco_test2015_questions.json",
            "questions of test",
            Items::List(&["questions"]),
        )
        .official(447_793)
        .optional(),
        Expected::new(
            "v2_OpenEnded_mscoco_test-dev2015_questions.json",
            "questions of test-dev",
            Items::List(&["questions"]),
        )
        .optional(),
    ],
    notes: &["the paper scores test-dev, whose answers are not public; most others score val"],
};
