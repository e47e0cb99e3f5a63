//! VATEX: ten English captions a film; many films are gone from YouTube.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;
use crate::read::Record;

const FILMS: Items = Items::List(&[], &["videoID", "enCap"]);

fn film(record: &Record) -> Option<String> {
    record.text("videoID").ok()
}

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("vatex_training_v1.0.json", "supports", FILMS)
            .official(25_991)
            .media(film),
        Expected::new("vatex_validation_v1.0.json", "val", FILMS)
            .official(3_000)
            .optional()
            .media(film),
        Expected::new("vatex_public_test_english_v1.1.json", "public test", FILMS)
            .official(6_000)
            .media(film),
    ],
    notes: &["CIDEr of the films that are left has another scale than that of all"],
};
