//! MSVDQA: questions about YouTube's films, whose names a mapping gives.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train_qa.json", "supports", Items::List(&[])).official(30_933),
        Expected::new("val_qa.json", "val", Items::List(&[]))
            .official(6_415)
            .optional(),
        Expected::new("test_qa.json", "test", Items::List(&[])).official(13_157),
        Expected::new("youtube_mapping.txt", "names of the films", Items::Text).optional(),
    ],
    notes: &["an answer is right only if it is exactly the annotated string"],
};
