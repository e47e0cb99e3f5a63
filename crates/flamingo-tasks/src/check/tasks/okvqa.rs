//! OKVQA: in VQA's form, its answers stemmed by the makers.

use super::super::coco_pictures::{coco_train, coco_val};
use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

const QUESTIONS: Items = Items::List(&["questions"], &["question_id", "image_id", "question"]);
const ANSWERS: Items = Items::List(&["annotations"], &["question_id", "image_id", "answers"]);

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new(
            "OpenEnded_mscoco_train2014_questions.json",
            "questions of the supports",
            QUESTIONS,
        )
        .official(9_009)
        .media(coco_train),
        Expected::new(
            "mscoco_train2014_annotations.json",
            "answers of the supports",
            ANSWERS,
        )
        .official(9_009),
        Expected::new(
            "OpenEnded_mscoco_val2014_questions.json",
            "questions of val",
            QUESTIONS,
        )
        .official(5_046)
        .media(coco_val),
        Expected::new("mscoco_val2014_annotations.json", "answers of val", ANSWERS).official(5_046),
    ],
    notes: &["versions 1.0 and 1.1 differ in how answers are stemmed, not in their names"],
};
