//! COCO captions: Karpathy's splits, and the references of 2014's validation set, where all test pictures lie.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("dataset_coco.json", "test pictures", Items::Split("test")).official(5_000),
        Expected::new("dataset_coco.json", "supports", Items::Split("train")).official(82_783),
        Expected::new(
            "captions_val2014.json",
            "references",
            Items::List(&["annotations"]),
        ),
    ],
    notes: &["supports are of `train` alone, without `restval`"],
};
