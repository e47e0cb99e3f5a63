//! TextVQA: its own form, or VQA's as OpenFlamingo converts it. Pictures of train and val lie in one folder.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

const OWN: Items = Items::List(
    &["data", "questions"],
    &["question_id", "question", "image_id"],
);

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("TextVQA_0.5.1_train.json", "supports", OWN)
            .official(34_602)
            .or(&[("train_questions_vqa_format.json", "questions in VQA's form")])
            .media(|record| record.id(&["image_id"]).ok().map(|id| format!("{id}.jpg"))),
        Expected::new("TextVQA_0.5.1_val.json", "val", OWN)
            .official(5_000)
            .or(&[("val_questions_vqa_format.json", "questions in VQA's form")])
            .media(|record| record.id(&["image_id"]).ok().map(|id| format!("{id}.jpg"))),
        Expected::new("TextVQA_0.5.1_test.json", "test, without answers", OWN).optional(),
        Expected::new(
            "val_annotations_vqa_format.json",
            "answers in VQA's form",
            Items::List(&["annotations"], &["question_id", "answers"]),
        )
        .optional(),
    ],
    notes: &[
        "953 of the 5,000 questions of val have ten equal strings, which the official code does not normalise",
    ],
};
