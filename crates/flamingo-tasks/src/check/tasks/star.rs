//! STAR: questions about situations in Charades' films, four choices each.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("STAR_train.json", "supports", Items::List(&[])).official(45_731),
        Expected::new("STAR_val.json", "val", Items::List(&[])).official(7_098),
        Expected::new("STAR_test.json", "test, without answers", Items::List(&[]))
            .official(7_377)
            .optional(),
    ],
    notes: &["the figure that the leaderboard names is the mean over four types of question"],
};
