//! RareAct: a clip a row, of one of 149 actions.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;
use crate::read::Record;

fn film(record: &Record) -> Option<String> {
    record.text("video_id").ok()
}

pub(super) const SPEC: Spec = Spec {
    files: &[Expected::new(
        "rareact.csv",
        "clips",
        Items::Rows(&[
            "video_id",
            "start",
            "end",
            "class_id",
            "verb",
            "noun",
            "annotation",
        ]),
    )
    .official(7_607)
    .media(film)],
    notes: &["there are no supports: the paper scores with 0 shots"],
};
