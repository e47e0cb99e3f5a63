//! HatefulMemes: a meme a line. The paper scores the seen test set.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;
use crate::read::Record;

const LABELLED: Items = Items::Lines(&["id", "img", "text", "label"]);

/// `img/01234.png`, of which the name counts.
fn picture(record: &Record) -> Option<String> {
    let path = record.text("img").ok()?;
    path.rsplit('/').next().map(str::to_owned)
}

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train.jsonl", "supports", LABELLED)
            .official(8_500)
            .media(picture),
        Expected::new("test_seen.jsonl", "the seen test set", LABELLED)
            .official(1_000)
            .or(&[(
                "test.jsonl",
                "an older release, in which test has no labels",
            )])
            .media(picture),
        Expected::new("dev_seen.jsonl", "the seen dev set", LABELLED)
            .official(500)
            .or(&[("dev.jsonl", "an older release")])
            .optional()
            .media(picture),
        Expected::new("dev_unseen.jsonl", "the unseen dev set", LABELLED)
            .official(540)
            .optional()
            .media(picture),
        Expected::new("test_unseen.jsonl", "the unseen test set", LABELLED)
            .official(2_000)
            .optional()
            .media(picture),
    ],
    notes: &["others score the unseen sets or dev: say which"],
};
