//! VizWiz: its own form knows a question by its picture; OpenFlamingo's has numbers and no `answer_id`.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train.json", "supports", Items::List(&["questions"]))
            .official(20_523)
            .or(&[("train_questions_vqa_format.json", "questions in VQA's form")]),
        Expected::new("val.json", "val", Items::List(&["questions"]))
            .official(4_319)
            .or(&[("val_questions_vqa_format.json", "questions in VQA's form")]),
        Expected::new(
            "test.json",
            "test, without answers",
            Items::List(&["questions"]),
        )
        .official(8_000)
        .optional(),
    ],
    notes: &["\"unanswerable\" is an answer like others"],
};
