//! Kinetics700: a clip a row; clips are to be fetched, and some are gone.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train.csv", "supports", Items::Rows).or(&[
            ("kinetics700_train.csv", "the release of 2019"),
            ("kinetics700_2020_train.csv", "the release of 2020"),
        ]),
        Expected::new("validate.csv", "val", Items::Rows).or(&[
            ("val.csv", "another name of it"),
            ("kinetics700_val.csv", "the release of 2019"),
            ("kinetics700_2020_val.csv", "the release of 2020"),
        ]),
    ],
    notes: &["say which release it is, and how many clips were there"],
};
