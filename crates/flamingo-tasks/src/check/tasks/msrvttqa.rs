//! MSRVTTQA: questions about the films of MSR-VTT.

use super::super::expected::{Expected, Items};
use super::super::spec::Spec;

pub(super) const SPEC: Spec = Spec {
    files: &[
        Expected::new("train_qa.json", "supports", Items::List(&[])).official(158_581),
        Expected::new("val_qa.json", "val", Items::List(&[]))
            .official(12_278)
            .optional(),
        Expected::new("test_qa.json", "test", Items::List(&[])).official(72_821),
    ],
    notes: &["an answer is right only if it is exactly the annotated string"],
};
