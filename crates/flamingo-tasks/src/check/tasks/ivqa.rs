//! iVQA: a question a row, five annotators.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

const QUESTIONS: Items = Items::Rows(&[
    "video_id", "question", "answer1", "answer2", "answer3", "answer4", "answer5",
]);

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train.csv", "supports", QUESTIONS).official(6_000),
        Expected::new("val.csv", "val", QUESTIONS)
            .official(2_000)
            .optional(),
        Expected::new("test.csv", "test", QUESTIONS).official(2_000),
    ],
    notes: &["one of five annotators is half a point, two are one"],
};
