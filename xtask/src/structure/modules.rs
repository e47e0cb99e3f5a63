//! The modules of a crate, and where a path in one of them leads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use syn::Item;

/// Re-exports of re-exports that are followed.
const MOST_STEPS: usize = 32;

/// The modules of a library or a program, the root first.
#[derive(Default)]
pub(super) struct Crate {
    pub(super) files: Vec<PathBuf>,
    pub(super) modules: Vec<Module>,
}

/// A module: a file or a part of one.
#[derive(Default)]
pub(super) struct Module {
    /// The index of its file.
    pub(super) file: usize,
    pub(super) parent: Option<usize>,
    /// The modules that it declares.
    pub(super) children: BTreeMap<String, usize>,
    /// What it defines.
    pub(super) defined: BTreeSet<String>,
    /// What it takes in by `use`, and from where.
    pub(super) taken: BTreeMap<String, Vec<String>>,
    /// Of what it takes in all.
    pub(super) globs: Vec<Vec<String>>,
    pub(super) items: Vec<Item>,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Module(usize),
    /// A thing and the file that defines it.
    Thing {
        file: usize,
        name: String,
    },
}

impl Crate {
    /// What a path in a module leads to, if that is in this crate.
    pub(super) fn resolve(&self, module: usize, path: &[String]) -> Option<Target> {
        self.follow(module, path, MOST_STEPS)
    }

    fn follow(&self, module: usize, path: &[String], steps: usize) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.below(0, rest, steps),
            "self" => self.below(module, rest, steps),
            "super" => {
                let mut parent = self.modules[module].parent?;
                let mut rest = rest;
                while rest.first().is_some_and(|next| next == "super") {
                    parent = self.modules[parent].parent?;
                    rest = &rest[1..];
                }
                self.below(parent, rest, steps)
            }
            // The name of another crate, or of nothing that was declared.
            _ if !self.has(module, first, steps) => None,
            _ => self.below(module, path, steps),
        }
    }

    /// What a path from within a module leads to.
    fn below(&self, module: usize, path: &[String], steps: usize) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        let Some((first, rest)) = path.split_first() else {
            return Some(Target::Module(module));
        };
        let here = &self.modules[module];
        let child = here.children.get(first);
        if let Some(child) = child.filter(|_| !rest.is_empty()) {
            return self.below(*child, rest, steps);
        }
        let thing = || Target::Thing {
            file: here.file,
            name: first.clone(),
        };
        if here.defined.contains(first) {
            return Some(thing());
        }
        if let Some(from) = here.taken.get(first) {
            return match self.follow(module, from, steps)? {
                Target::Module(found) => self.below(found, rest, steps),
                found => Some(found),
            };
        }
        if let Some(child) = child {
            return Some(Target::Module(*child));
        }
        for from in &here.globs {
            if let Some(Target::Module(found)) = self.follow(module, from, steps)
                && self.has(found, first, steps)
            {
                return self.below(found, path, steps);
            }
        }
        // What a macro defines.
        Some(thing())
    }

    fn has(&self, module: usize, name: &str, steps: usize) -> bool {
        let Some(steps) = steps.checked_sub(1) else {
            return false;
        };
        let here = &self.modules[module];
        here.children.contains_key(name)
            || here.defined.contains(name)
            || here.taken.contains_key(name)
            || here.globs.iter().any(|from| {
                let found = self.follow(module, from, steps);
                matches!(found, Some(Target::Module(found)) if found != module && self.has(found, name, steps))
            })
    }
}
