//! Counts by name.

use std::collections::BTreeMap;

/// Counts by name, in the order of names.
pub type Counts = BTreeMap<String, u64>;

/// Adds one to a name's count.
pub(crate) fn count(counts: &mut Counts, name: &str) {
    add(counts, name, 1);
}

/// Adds to a name's count; nothing leaves no trace.
pub(crate) fn add(counts: &mut Counts, name: &str, number: u64) {
    if number == 0 {
        return;
    }
    match counts.get_mut(name) {
        Some(count) => *count += number,
        None => drop(counts.insert(name.to_owned(), number)),
    }
}
