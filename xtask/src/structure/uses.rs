//! Which files of a crate use what other files define.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{
    Attribute, ImplItem, ImplItemFn, Item, ItemFn, ItemMod, ItemUse, Macro, PatIdent, Path,
    TraitItem, TraitItemFn, Visibility,
};

use super::modules::{Crate, Target};
use super::reading::uses_of;
use super::test_only::{is_test, of_impl_item, of_item, of_trait_item};

/// From a file to another, the names that the one uses of the other.
pub(super) type Arrows = BTreeMap<(usize, usize), BTreeSet<String>>;

/// All arrows between the files of a crate, tests left out.
///
/// A re-export is none: what is used through it is used of the file that defines it.
pub(super) fn arrows(tree: &Crate) -> Arrows {
    let mut arrows = Arrows::new();
    for (module, here) in tree.modules.iter().enumerate() {
        let mut walk = Walk {
            tree,
            module,
            variables: BTreeSet::new(),
            arrows: &mut arrows,
        };
        for item in &here.items {
            walk.visit_item(item);
        }
    }
    arrows
}

struct Walk<'a> {
    tree: &'a Crate,
    module: usize,
    /// Names of the function that it is in, which hide those of the module.
    variables: BTreeSet<String>,
    arrows: &'a mut Arrows,
}

impl Walk<'_> {
    fn path(&mut self, path: &[String]) {
        if let [name] = path
            && self.variables.contains(name)
        {
            return;
        }
        let own = self.tree.modules[self.module].file;
        if let Some(Target::Thing { file, name }) = self.tree.resolve(self.module, path)
            && file != own
        {
            self.arrows.entry((own, file)).or_default().insert(name);
        }
    }

    /// Paths among the tokens of a macro, which no parser knows.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        let mut before = None;
        while at < tokens.len() {
            if let TokenTree::Group(group) = &tokens[at] {
                self.tokens(group.stream());
            }
            let (path, end) = path_at(&tokens, at);
            let is_field = before == Some('.');
            let is_outer = before == Some(':') && is_punct(&tokens, at.wrapping_sub(2), ':');
            if !path.is_empty() && !is_field && !is_outer && is_use(&path, tokens.get(end)) {
                self.path(&path);
            }
            before = match &tokens[at] {
                TokenTree::Punct(punct) => Some(punct.as_char()),
                _ => None,
            };
            at = end.max(at + 1);
            if end > at {
                before = None;
            }
        }
    }

    fn function(&mut self, body: impl Fn(&mut Variables), walk: impl FnOnce(&mut Self)) {
        let mut variables = Variables(self.variables.clone());
        body(&mut variables);
        let outer = std::mem::replace(&mut self.variables, variables.0);
        walk(self);
        self.variables = outer;
    }
}

/// The path that begins at a token, and where it ends.
fn path_at(tokens: &[TokenTree], start: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let mut at = start;
    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
        path.push(name.to_string());
        at += 1;
        let goes_on = is_punct(tokens, at, ':') && is_punct(tokens, at + 1, ':');
        if !goes_on || !matches!(tokens.get(at + 2), Some(TokenTree::Ident(_))) {
            break;
        }
        at += 2;
    }
    (path, at)
}

fn is_punct(tokens: &[TokenTree], at: usize, character: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// Whether a path in a macro is one; a single small word is so only if it is called.
fn is_use(path: &[String], next: Option<&TokenTree>) -> bool {
    let is_small = path[0].starts_with(|first: char| first.is_lowercase() || first == '_');
    let is_called = matches!(next, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
    path.len() > 1 || !is_small || is_called
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(of_item(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !is_test(of_impl_item(item)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !is_test(of_trait_item(item)) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_test(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !is_test(&field.attrs) {
            visit::visit_field_value(self, field);
        }
    }

    /// A module of its own, which is looked at by itself.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if matches!(item.vis, Visibility::Inherited) {
            for use_of in uses_of(item) {
                self.path(&use_of.path);
            }
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(
            |variables| variables.visit_item_fn(item),
            |walk| visit::visit_item_fn(walk, item),
        );
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(
            |variables| variables.visit_impl_item_fn(item),
            |walk| visit::visit_impl_item_fn(walk, item),
        );
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        self.function(
            |variables| variables.visit_trait_item_fn(item),
            |walk| visit::visit_trait_item_fn(walk, item),
        );
    }

    /// `pub(in crate::build)` names who may use a thing, and uses nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            let names = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string());
            self.path(&names.collect::<Vec<_>>());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }
}

/// Collects the names that patterns bind.
struct Variables(BTreeSet<String>);

impl<'ast> Visit<'ast> for Variables {
    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        let name = pattern.ident.to_string();
        if name.starts_with(char::is_lowercase) {
            self.0.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }
}
