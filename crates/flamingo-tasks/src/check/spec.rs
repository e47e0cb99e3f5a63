//! What a benchmark should have.

use super::expected::Expected;

/// A benchmark's files, and what to know of them.
pub(super) struct Spec {
    pub(super) files: &'static [Expected],
    pub(super) notes: &'static [&'static str],
}
