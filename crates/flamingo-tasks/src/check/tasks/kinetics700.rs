//! Kinetics700: a clip a row; clips are to be fetched, and some are gone.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;
use crate::read::Record;

const CLIPS: Items = Items::Rows(&["label", "youtube_id", "time_start", "time_end"]);

fn clip(record: &Record) -> Option<String> {
    let start: u64 = record.parsed("time_start", "seconds").ok()?;
    let end: u64 = record.parsed("time_end", "seconds").ok()?;
    Some(format!(
        "{}_{start:06}_{end:06}",
        record.text("youtube_id").ok()?
    ))
}

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train.csv", "supports", CLIPS)
            .or(&[
                ("kinetics700_train.csv", "the release of 2019"),
                ("kinetics700_2020_train.csv", "the release of 2020"),
            ])
            .media(clip),
        Expected::new("validate.csv", "val", CLIPS)
            .or(&[
                ("val.csv", "another name of it"),
                ("kinetics700_val.csv", "the release of 2019"),
                ("kinetics700_2020_val.csv", "the release of 2020"),
            ])
            .media(clip),
    ],
    notes: &["say which release it is, and how many clips were there"],
};
