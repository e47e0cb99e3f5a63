//! The n-grams of a caption, by how often each comes.

use std::collections::BTreeMap;

use crate::python::split;

/// Lengths of n-grams that captions are scored by: 1 to 4.
pub(crate) const ORDERS: usize = 4;

/// The words of a caption.
pub(crate) fn words(caption: &str) -> Vec<&str> {
    split(caption).collect()
}

/// How often each run of `length` words comes, in an order that is always the same.
pub(crate) fn counts<'a, 'w>(
    words: &'w [&'a str],
    length: usize,
) -> BTreeMap<&'w [&'a str], usize> {
    let mut counts = BTreeMap::new();
    for run in words.windows(length) {
        *counts.entry(run).or_default() += 1;
    }
    counts
}
