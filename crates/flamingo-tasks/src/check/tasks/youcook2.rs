//! YouCook2: segments of cooking films; the sentences of test are not published.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new(
            "youcookii_annotations_trainval.json",
            "segments and sentences of train and val",
            Items::Values(Some("database")),
        )
        .official(1_790),
        Expected::new(
            "youcookii_annotations_test_segments_only.json",
            "segments of test",
            Items::Values(Some("database")),
        )
        .optional(),
    ],
    notes: &[
        "a segment is the item that is scored, not a film: a film of one segment alone would score 0",
    ],
};
