//! VizWiz: its own form knows a question by its picture; OpenFlamingo's has numbers and no `answer_id`.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

const OWN: Items = Items::List(&["questions"], &["image", "question"]);

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train.json", "supports", OWN)
            .official(20_523)
            .or(&[("train_questions_vqa_format.json", "questions in VQA's form")])
            .media(|record| {
                record
                    .text("image")
                    .or_else(|_| record.text("image_id"))
                    .ok()
            }),
        Expected::new("val.json", "val", OWN)
            .official(4_319)
            .or(&[("val_questions_vqa_format.json", "questions in VQA's form")])
            .media(|record| {
                record
                    .text("image")
                    .or_else(|_| record.text("image_id"))
                    .ok()
            }),
        Expected::new("test.json", "test, without answers", OWN)
            .official(8_000)
            .optional(),
    ],
    notes: &["\"unanswerable\" is an answer like others"],
};
