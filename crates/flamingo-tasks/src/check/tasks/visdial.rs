//! VisDial 1.0: dialogues, and the relevance of all options for one round of each.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

const DIALOGUES: Items = Items::Inner("data", "dialogs");

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("visdial_1.0_train.json", "supports", DIALOGUES).or(&[(
            "visdial_0.9_train.json",
            "version 0.9: other pictures and dialogues",
        )]),
        Expected::new("visdial_1.0_val.json", "val", DIALOGUES)
            .official(2_064)
            .or(&[(
                "visdial_0.9_val.json",
                "version 0.9: other pictures and dialogues",
            )]),
        Expected::new(
            "visdial_1.0_val_dense_annotations.json",
            "relevance of the options",
            Items::List(&[]),
        )
        .official(2_064),
        Expected::new("visdial_1.0_test.json", "test, without answers", DIALOGUES)
            .official(8_000)
            .optional(),
    ],
    notes: &[
        "questions, answers and options are numbers of two lists; questions have no question mark",
    ],
};
