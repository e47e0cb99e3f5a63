//! NextQA, open-ended: questions by video, a second reference for half of the test videos.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;
use crate::read::Record;

const QUESTIONS: Items = Items::Rows(&["video", "question", "answer", "qid", "type"]);

fn film(record: &Record) -> Option<String> {
    record.text("video").ok()
}

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train.csv", "supports", QUESTIONS)
            .official(37_523)
            .media(film),
        Expected::new("val.csv", "val", QUESTIONS)
            .official(5_343)
            .optional()
            .media(film),
        Expected::new("test.csv", "test", QUESTIONS)
            .official(9_178)
            .media(film),
        Expected::new(
            "add_reference_answer_test.json",
            "second references of test",
            Items::Values(None, &[]),
        )
        .official(500),
    ],
    notes: &[
        "NExT-QA's multiple-choice files have the same names, columns a0 to a4, and other questions",
    ],
};
