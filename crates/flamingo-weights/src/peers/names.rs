//! The tensors of several files under one set of names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flamingo_checkpoint::Checkpoint;

use crate::{Link, LoadReport, Result, Stored, Tensors};

/// Tensors by the names that links use; what is added later stands over what was there.
#[derive(Default)]
pub(crate) struct Names {
    found: BTreeMap<String, Stored>,
    /// Computed tables and parts that no Flamingo has, by the name in the file.
    ignored: Vec<String>,
}

impl Names {
    /// Adds the tensors of some files; `rename` gives the name that links use, none to leave one
    /// out. It is asked for the name of a quantised tensor, which its format does not belong to.
    pub(crate) fn add(
        &mut self,
        checkpoint: &Arc<Checkpoint>,
        mut rename: impl FnMut(&str) -> Option<String>,
    ) {
        let mut here = BTreeSet::new();
        for name in checkpoint.names() {
            let stored = Stored {
                checkpoint: checkpoint.clone(),
                name: name.to_owned(),
            };
            let known = rename(stored.described().0);
            match known {
                None => self.ignored.push(name.to_owned()),
                // Of two aliases in one file the first stands.
                Some(known) if here.insert(known.clone()) => {
                    self.found.insert(known, stored);
                }
                Some(_) => self.ignored.push(name.to_owned()),
            }
        }
    }

    /// Copies the tensors under `prefix`, without it.
    pub(crate) fn copy_under(&self, prefix: &str, to: &mut Names) {
        let inside = self.found.iter().filter_map(|(name, stored)| {
            let rest = name.strip_prefix(prefix)?;
            Some((rest.to_owned(), stored.clone()))
        });
        to.found.extend(inside);
    }

    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.found.get(name).map(Stored::shape)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.found.contains_key(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.found.keys().map(String::as_str)
    }

    /// How many numbered modules there are under `prefix` (`layers.0.`, `layers.1.`, ...).
    pub(crate) fn count(&self, prefix: &str) -> usize {
        self.numbers(prefix).into_iter().max().map_or(0, |n| n + 1)
    }

    /// The numbers of the modules under `prefix`.
    pub(crate) fn numbers(&self, prefix: &str) -> BTreeSet<usize> {
        let numbers = self.iter().filter_map(|name| {
            let rest = name.strip_prefix(prefix)?;
            rest.split('.').next()?.parse::<usize>().ok()
        });
        numbers.filter(|&n| n < 100_000).collect()
    }

    /// Our tensors by the links; `shapes` are those that the model wants, by our names.
    ///
    /// # Errors
    /// If a tensor has another shape than the model wants; the message says which part is likely
    /// of another model.
    pub(crate) fn link(
        &self,
        links: &[Link],
        shapes: &BTreeMap<String, Vec<usize>>,
        optional: &dyn Fn(&str) -> bool,
    ) -> Result<(Tensors, LoadReport)> {
        let (mut tensors, mut report) = (Tensors::default(), LoadReport::default());
        let mut used = BTreeSet::new();
        let mut misfits = Vec::new();
        for link in links {
            let theirs: Vec<&Stored> = link
                .theirs
                .iter()
                .filter_map(|name| self.found.get(name))
                .collect();
            used.extend(link.theirs.iter().map(String::as_str));
            if theirs.len() < link.theirs.len() {
                let missing = link.theirs.iter().filter(|name| !self.has(name));
                let lost = missing.filter(|name| !optional(name));
                report.missing.extend(lost.cloned());
                self.fill(link, shapes, optional, &mut tensors);
                continue;
            }
            let theirs: Vec<Stored> = theirs.into_iter().cloned().collect();
            let ours: Option<Vec<Vec<usize>>> = link
                .ours
                .iter()
                .map(|name| shapes.get(name).cloned())
                .collect();
            let Some(ours) = ours else {
                report.unused.extend(link.theirs.iter().cloned());
                continue;
            };
            match tensors.add(link, &theirs, &ours) {
                Ok(()) => report.loaded(link, &theirs, &ours, &tensors),
                Err(error) => misfits.push((link.ours[0].clone(), error.to_string())),
            }
        }
        let unused = self.iter().filter(|name| !used.contains(*name));
        report.unused.extend(unused.map(str::to_owned));
        report.ignored.clone_from(&self.ignored);
        report.misfits = misfits;
        Ok((tensors, report))
    }

    /// What a link's tensors would be if a file lacks them and need not have them.
    fn fill(
        &self,
        link: &Link,
        shapes: &BTreeMap<String, Vec<usize>>,
        optional: &dyn Fn(&str) -> bool,
        tensors: &mut Tensors,
    ) {
        if !link.theirs.iter().all(|name| optional(name)) {
            return;
        }
        for name in &link.ours {
            if let Some(shape) = shapes.get(name) {
                tensors.add_zeros(name.clone(), shape.clone());
            }
        }
    }
}
