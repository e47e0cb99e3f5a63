//! Links between their names and ours, from pairs of names.

use crate::Link;

/// A layer's links from pairs of names after the layer's number, theirs and ours.
pub(super) fn layer_links(layers: &str, count: usize, pairs: &[(&str, &str)]) -> Vec<Link> {
    let of_layer = |i: usize| {
        pairs.iter().map(move |(theirs, ours)| {
            (
                format!("{layers}.{i}.{theirs}"),
                format!("layers.{i}.{ours}"),
            )
        })
    };
    (0..count)
        .flat_map(of_layer)
        .map(|(theirs, ours)| Link::same(theirs, ours))
        .collect()
}

/// `weight`, and `bias` where there is one, of pairs of modules.
pub(super) fn modules<'a>(pairs: &[(&'a str, &'a str)], bias: bool) -> Vec<(String, String)> {
    let ends: &[&str] = if bias {
        &["weight", "bias"]
    } else {
        &["weight"]
    };
    pairs
        .iter()
        .flat_map(|(theirs, ours)| {
            ends.iter()
                .map(move |end| (format!("{theirs}.{end}"), format!("{ours}.{end}")))
        })
        .collect()
}

pub(super) fn as_str(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect()
}
