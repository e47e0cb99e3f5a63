//! Sizes that must not be 0.

/// Says which of a part's sizes is 0.
pub(crate) fn check_sizes(part: &str, sizes: &[(&str, usize)]) -> Result<(), String> {
    match sizes.iter().find(|(_, size)| *size == 0) {
        Some((name, _)) => Err(format!("{part}.{name} is 0: give at least 1")),
        None => Ok(()),
    }
}
