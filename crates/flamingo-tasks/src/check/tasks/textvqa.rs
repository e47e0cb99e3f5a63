//! TextVQA: its own form, or VQA's as OpenFlamingo converts it. Pictures of train and val lie in one folder.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new(
            "TextVQA_0.5.1_train.json",
            "supports",
            Items::List(&["data", "questions"]),
        )
        .official(34_602)
        .or(&[("train_questions_vqa_format.json", "questions in VQA's form")]),
        Expected::new(
            "TextVQA_0.5.1_val.json",
            "val",
            Items::List(&["data", "questions"]),
        )
        .official(5_000)
        .or(&[("val_questions_vqa_format.json", "questions in VQA's form")]),
        Expected::new(
            "TextVQA_0.5.1_test.json",
            "test, without answers",
            Items::List(&["data", "questions"]),
        )
        .optional(),
        Expected::new(
            "val_annotations_vqa_format.json",
            "answers in VQA's form",
            Items::List(&["annotations"]),
        )
        .optional(),
    ],
    notes: &[
        "953 of the 5,000 questions of val have ten equal strings, which the official code does not normalise",
    ],
};
