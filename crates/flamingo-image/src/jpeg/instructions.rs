//! Which instructions there are.

/// Whether the processor has those of the functions that end in `_wide`.
pub(super) fn are_wide() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
}
