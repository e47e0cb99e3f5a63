//! MSVDQA: questions about YouTube's films, whose names a mapping gives.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

const QUESTIONS: Items = Items::List(&[], &["question", "answer", "video_id", "id"]);

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train_qa.json", "supports", QUESTIONS).official(30_933),
        Expected::new("val_qa.json", "val", QUESTIONS)
            .official(6_415)
            .optional(),
        Expected::new("test_qa.json", "test", QUESTIONS).official(13_157),
        Expected::new("youtube_mapping.txt", "names of the films", Items::Text),
    ],
    notes: &["an answer is right only if it is exactly the annotated string"],
};
