//! STAR: questions about situations in Charades' films, four choices each.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;
use crate::read::Record;

const ANSWERED: Items = Items::List(
    &[],
    &[
        "question_id",
        "question",
        "video_id",
        "start",
        "end",
        "answer",
        "choices",
    ],
);

fn film(record: &Record) -> Option<String> {
    record.text("video_id").ok()
}

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("STAR_train.json", "supports", ANSWERED)
            .official(45_731)
            .media(film),
        Expected::new("STAR_val.json", "val", ANSWERED)
            .official(7_098)
            .media(film),
        Expected::new(
            "STAR_test.json",
            "test, without answers",
            Items::List(&[], &["question_id", "question", "video_id", "choices"]),
        )
        .official(7_377)
        .optional()
        .media(film),
    ],
    notes: &["the figure that the leaderboard names is the mean over four types of question"],
};
