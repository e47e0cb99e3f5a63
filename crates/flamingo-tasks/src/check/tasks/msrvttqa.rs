//! MSRVTTQA: questions about the films of MSR-VTT.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;
use crate::read::Record;

const QUESTIONS: Items = Items::List(
    &[],
    &["question", "answer", "video_id", "id", "category_id"],
);

fn film(record: &Record) -> Option<String> {
    Some(format!("video{}", record.index("video_id").ok()?))
}

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train_qa.json", "supports", QUESTIONS)
            .official(158_581)
            .media(film),
        Expected::new("val_qa.json", "val", QUESTIONS)
            .official(12_278)
            .optional()
            .media(film),
        Expected::new("test_qa.json", "test", QUESTIONS)
            .official(72_821)
            .media(film),
    ],
    notes: &["an answer is right only if it is exactly the annotated string"],
};
