//! VQAv2: questions and annotations of COCO's pictures; the answers of test are not published.

use super::super::coco_pictures::{coco_train, coco_val};
use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

const QUESTIONS: Items = Items::List(&["questions"], &["question_id", "image_id", "question"]);
const ANSWERS: Items = Items::List(&["annotations"], &["question_id", "image_id", "answers"]);

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new(
            "v2_OpenEnded_mscoco_train2014_questions.json",
            "questions of the supports",
            QUESTIONS,
        )
        .official(443_757)
        .media(coco_train),
        Expected::new(
            "v2_mscoco_train2014_annotations.json",
            "answers of the supports",
            ANSWERS,
        )
        .official(443_757),
        Expected::new(
            "v2_OpenEnded_mscoco_val2014_questions.json",
            "questions of val",
            QUESTIONS,
        )
        .official(214_354)
        .media(coco_val),
        Expected::new(
            "v2_mscoco_val2014_annotations.json",
            "answers of val",
            ANSWERS,
        )
        .official(214_354),
        Expected::new(
            "v2_OpenEnded_mscoco_test2015_questions.json",
            "questions of test",
            QUESTIONS,
        )
        .official(447_793)
        .optional(),
        Expected::new(
            "v2_OpenEnded_mscoco_test-dev2015_questions.json",
            "questions of test-dev",
            QUESTIONS,
        )
        .optional(),
    ],
    notes: &["the paper scores test-dev, whose answers are not public; most others score val"],
};
