//! VATEX: ten English captions a film; many films are gone from YouTube.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("vatex_training_v1.0.json", "supports", Items::List(&[])).official(25_991),
        Expected::new("vatex_validation_v1.0.json", "val", Items::List(&[]))
            .official(3_000)
            .optional(),
        Expected::new(
            "vatex_public_test_english_v1.1.json",
            "public test",
            Items::List(&[]),
        )
        .official(6_000),
    ],
    notes: &["CIDEr of the films that are left has another scale than that of all"],
};
