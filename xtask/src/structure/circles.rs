//! Circles of files.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::modules::Crate;
use super::uses::Arrows;

/// A message for each circle: its files, and the names that tie them.
pub(super) fn faults(root: &Path, tree: &Crate, arrows: &Arrows) -> Vec<String> {
    let circles = circles(tree.files.len(), arrows);
    let message = |circle: &BTreeSet<usize>| message(root, tree, arrows, circle);
    circles.iter().map(message).collect()
}

fn message(root: &Path, tree: &Crate, arrows: &Arrows, circle: &BTreeSet<usize>) -> String {
    let path = |file: usize| {
        let path = &tree.files[file];
        path.strip_prefix(root).unwrap_or(path).display()
    };
    let mut message = format!("{} files use each other in a circle", circle.len());
    for ((from, to), names) in arrows {
        if circle.contains(from) && circle.contains(to) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let names = names.join(", ");
            let _ = write!(message, "\n  {} uses {names} of {}", path(*from), path(*to));
        }
    }
    message + "\n  next: give what one of these arrows names a file of its own, below both ends"
}

/// Sets of files each of which can be reached from each other.
fn circles(files: usize, arrows: &Arrows) -> Vec<BTreeSet<usize>> {
    let reached: Vec<BTreeSet<usize>> = (0..files).map(|file| reached(file, arrows)).collect();
    let mut circles = BTreeSet::new();
    for (file, others) in reached.iter().enumerate() {
        if others.contains(&file) {
            let both = others.iter().copied();
            circles.insert(
                both.filter(|other| reached[*other].contains(&file))
                    .collect(),
            );
        }
    }
    circles.into_iter().collect()
}

/// What can be reached from a file along arrows.
fn reached(file: usize, arrows: &Arrows) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut todo = vec![file];
    while let Some(from) = todo.pop() {
        let range = arrows.range((from, 0)..(from + 1, 0));
        todo.extend(
            range
                .map(|((_, to), _)| *to)
                .filter(|to| reached.insert(*to)),
        );
    }
    reached
}
