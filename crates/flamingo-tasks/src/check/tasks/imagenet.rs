//! ImageNet 2012: a folder a class. The official archive of val has none: pictures are to be sorted first.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train", "supports, a folder a class", Items::Folders).official(1_000),
        Expected::new("val", "val, a folder a class", Items::Folders).official(1_000),
        Expected::new(
            "ILSVRC2012_validation_ground_truth.txt",
            "classes of val's pictures in the archive's order",
            Items::Text,
        )
        .official(50_000)
        .optional(),
    ],
    notes: &[
        "a class's number is the rank of its folder's name; the numbers of the ground truth file are others",
    ],
};
