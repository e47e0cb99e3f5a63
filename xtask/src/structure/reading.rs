//! The files of a crate, read from the root along `mod`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use syn::visit::{self, Visit};
use syn::{Expr, Item, ItemMod, ItemUse, Lit, Meta, UseTree};

use super::modules::{Crate, Module};
use super::test_only::{is_test, of_item};

/// A place in the tree of files.
struct Place {
    /// The file of a module.
    file: PathBuf,
    /// Where the files of the modules that it declares are.
    folder: PathBuf,
    /// Whether it is a module within a file, whose `#[path]` is from `folder`.
    is_inline: bool,
}

/// The crate that begins with this file.
pub(super) fn read(root: &Path) -> anyhow::Result<Crate> {
    let mut tree = Crate::default();
    let folder = root.parent().unwrap_or(Path::new("")).to_owned();
    read_file(&mut tree, root, folder, None)?;
    Ok(tree)
}

/// The index of the file's module.
fn read_file(
    tree: &mut Crate,
    path: &Path,
    folder: PathBuf,
    parent: Option<usize>,
) -> anyhow::Result<usize> {
    let text = fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    let file =
        syn::parse_file(&text).with_context(|| format!("cannot parse {}", path.display()))?;
    let items = match is_test(&file.attrs) {
        true => Vec::new(),
        false => file.items,
    };
    tree.files.push(path.to_owned());
    let place = Place {
        file: path.to_owned(),
        folder,
        is_inline: false,
    };
    read_items(tree, items, &place, parent)
}

fn read_items(
    tree: &mut Crate,
    items: Vec<Item>,
    place: &Place,
    parent: Option<usize>,
) -> anyhow::Result<usize> {
    let index = tree.modules.len();
    let file = tree.files.iter().position(|file| *file == place.file);
    tree.modules.push(Module {
        file: file.with_context(|| format!("{} was not read", place.file.display()))?,
        parent,
        ..Module::default()
    });
    let mut names = Names::default();
    for item in &items {
        names.visit_item(item);
        if let Item::Mod(declared) = item
            && !is_test(&declared.attrs)
        {
            let child = read_module(tree, declared, place, index)?;
            let children = &mut tree.modules[index].children;
            children.entry(declared.ident.to_string()).or_insert(child);
        }
    }
    let module = &mut tree.modules[index];
    module.defined = items.iter().filter_map(defined).collect();
    for use_of in names.uses {
        match use_of.name {
            None => module.globs.push(use_of.path),
            Some(name) => drop(module.taken.entry(name).or_insert(use_of.path)),
        }
    }
    module.items = items;
    Ok(index)
}

fn read_module(
    tree: &mut Crate,
    declared: &ItemMod,
    place: &Place,
    parent: usize,
) -> anyhow::Result<usize> {
    let name = declared.ident.to_string();
    let name = name.trim_start_matches("r#");
    if let Some((_, items)) = &declared.content {
        let inside = Place {
            file: place.file.clone(),
            folder: place.folder.join(name),
            is_inline: true,
        };
        return read_items(tree, items.clone(), &inside, Some(parent));
    }
    if let Some(path) = path_of(declared) {
        let from = match place.is_inline {
            true => &place.folder,
            false => place.file.parent().unwrap_or(Path::new("")),
        };
        let path = from.join(path);
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        return read_file(tree, &path, folder, Some(parent));
    }
    let folder = place.folder.join(name);
    let files = [
        place.folder.join(format!("{name}.rs")),
        folder.join("mod.rs"),
    ];
    let Some(file) = files.iter().find(|file| file.is_file()) else {
        bail!("{}: no file for `mod {name}`", place.file.display());
    };
    read_file(tree, file, folder, Some(parent))
}

/// What `#[path = ".."]` says.
fn path_of(declared: &ItemMod) -> Option<String> {
    declared.attrs.iter().find_map(|attribute| {
        let Meta::NameValue(said) = &attribute.meta else {
            return None;
        };
        let Expr::Lit(value) = &said.value else {
            return None;
        };
        match &value.lit {
            Lit::Str(path) if said.path.is_ident("path") => Some(path.value()),
            _ => None,
        }
    })
}

fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    (!is_test(of_item(item))).then(|| name.to_string())
}

/// A name that `use` brings into a module, or all of a path's.
pub(super) struct UseOf {
    /// The name here; none for all.
    pub(super) name: Option<String>,
    pub(super) path: Vec<String>,
}

/// The names that a `use` brings, from this crate as far as one can see.
pub(super) fn uses_of(item: &ItemUse) -> Vec<UseOf> {
    let mut uses = Vec::new();
    if item.leading_colon.is_none() {
        flatten(&item.tree, &mut Vec::new(), &mut uses);
    }
    uses
}

fn flatten(tree: &UseTree, before: &mut Vec<String>, uses: &mut Vec<UseOf>) {
    let mut push = |name: &syn::Ident, alias: &syn::Ident| {
        let mut path = before.clone();
        if name != "self" {
            path.push(name.to_string());
        }
        let name = match alias == "self" {
            true => path.last().cloned().unwrap_or_default(),
            false => alias.to_string(),
        };
        uses.push(UseOf {
            name: Some(name),
            path,
        });
    };
    match tree {
        UseTree::Name(last) => push(&last.ident, &last.ident),
        UseTree::Rename(last) => push(&last.ident, &last.rename),
        UseTree::Glob(_) => uses.push(UseOf {
            name: None,
            path: before.clone(),
        }),
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, uses);
            before.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, before, uses);
            }
        }
    }
}

/// Collects `use` in a module and in its functions, not in the modules within it.
#[derive(Default)]
struct Names {
    uses: Vec<UseOf>,
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(of_item(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.uses.extend(uses_of(item));
    }
}
