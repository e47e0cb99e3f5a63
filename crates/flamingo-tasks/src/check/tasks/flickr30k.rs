//! Flickr30K: Karpathy's splits; references in COCO's form are made by the user.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new(
            "dataset_flickr30k.json",
            "test pictures",
            Items::Split("test"),
        )
        .official(1_000),
        Expected::new("dataset_flickr30k.json", "supports", Items::Split("train")).official(29_000),
        Expected::new(
            "dataset_flickr30k_coco_style.json",
            "references in COCO's form",
            Items::List(&["annotations"]),
        )
        .optional(),
    ],
    notes: &["without references in COCO's form, the sentences of the splits are taken"],
};
