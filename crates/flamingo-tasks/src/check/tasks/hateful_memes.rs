//! HatefulMemes: a meme a line. The paper scores the seen test set.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train.jsonl", "supports", Items::Lines).official(8_500),
        Expected::new("test_seen.jsonl", "the seen test set", Items::Lines)
            .official(1_000)
            .or(&[(
                "test.jsonl",
                "an older release, in which test has no labels",
            )]),
        Expected::new("dev_seen.jsonl", "the seen dev set", Items::Lines)
            .official(500)
            .or(&[("dev.jsonl", "an older release")])
            .optional(),
        Expected::new("dev_unseen.jsonl", "the unseen dev set", Items::Lines)
            .official(540)
            .optional(),
        Expected::new("test_unseen.jsonl", "the unseen test set", Items::Lines)
            .official(2_000)
            .optional(),
    ],
    notes: &["others score the unseen sets or dev: say which"],
};
