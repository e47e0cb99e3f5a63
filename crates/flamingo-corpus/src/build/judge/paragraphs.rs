//! The texts of a page, by their positions among its parts.

use std::collections::BTreeSet;

use flamingo_page::{Page, Part};

/// The positions of a page's texts.
pub(super) fn texts(page: &Page) -> impl Iterator<Item = usize> {
    let parts = page.parts.iter().enumerate();
    parts
        .filter(|(_, part)| matches!(part, Part::Text(_)))
        .map(|(position, _)| position)
}

/// The positions of the texts with these numbers, which are sorted.
pub(super) fn positions(page: &Page, numbers: &[usize]) -> BTreeSet<usize> {
    let texts = texts(page).enumerate();
    texts
        .filter(|(number, _)| numbers.binary_search(number).is_ok())
        .map(|(_, position)| position)
        .collect()
}
