//! Small crates in a folder of their own.

#![allow(clippy::unwrap_used)]

use std::fs;

use tempfile::TempDir;

use super::*;

/// A workspace of one crate with these files, and what is said of it.
fn said(files: &[(&str, &str)]) -> Result<(), String> {
    let folder = workspace(&[("page", "")]);
    for (name, text) in files {
        let path = folder.path().join("crates/flamingo-page/src").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    check(folder.path()).map_err(|error| error.to_string())
}

/// A workspace of crates, each with the rest of its manifest.
fn workspace(crates: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = "[workspace]\nmembers = [\"crates/*\"]";
    fs::write(folder.path().join("Cargo.toml"), root).unwrap();
    for (name, rest) in crates {
        let package = folder.path().join(format!("crates/flamingo-{name}"));
        fs::create_dir_all(package.join("src")).unwrap();
        let manifest = format!("[package]\nname = \"flamingo-{name}\"\n{rest}");
        fs::write(package.join("Cargo.toml"), manifest).unwrap();
        fs::write(package.join("src/lib.rs"), "").unwrap();
    }
    folder
}

#[test]
fn files_that_use_each_other_are_named_with_what_ties_them() {
    let message = said(&[
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "use crate::b::B;\npub struct A(B);"),
        ("b.rs", "pub struct B;\nfn f() -> super::a::A { todo!() }"),
    ])
    .unwrap_err();
    let a = "crates/flamingo-page/src/a.rs";
    let b = "crates/flamingo-page/src/b.rs";
    assert!(message.starts_with("2 files use each other in a circle\n"));
    for line in [format!("{a} uses B of {b}"), format!("{b} uses A of {a}")] {
        assert!(message.contains(&line), "{message}");
    }
    assert!(message.contains("next: "), "{message}");
}

#[test]
fn a_tree_of_files_passes_whatever_the_style_of_its_modules() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\n#[path = \"c/other.rs\"] mod c;"),
        (
            "a.rs",
            "mod inner;\nuse inner::Inner;\nuse crate::b::B;\npub struct A(Inner, B);",
        ),
        ("a/inner.rs", "use crate::b::B;\npub struct Inner(B);"),
        (
            "b/mod.rs",
            "mod deep { use super::super::c::C;\npub struct D(C); }\npub struct B;",
        ),
        ("c/other.rs", "mod below;\npub struct C(below::E);"),
        ("c/below.rs", "pub struct E;"),
    ];
    assert_eq!(said(&files), Ok(()));
}

#[test]
fn a_parent_and_a_child_that_use_each_other_are_a_circle() {
    let message = said(&[
        ("lib.rs", "mod a;"),
        ("a.rs", "mod child;\npub struct A;\nfn f() { child::g(A); }"),
        ("a/child.rs", "pub(super) fn g(_: super::A) {}"),
    ])
    .unwrap_err();
    assert!(message.contains("a.rs uses g of "), "{message}");
    assert!(message.contains("a/child.rs uses A of "), "{message}");
}

#[test]
fn what_is_used_through_a_re_export_is_used_of_the_file_that_defines_it() {
    let tree = [
        (
            "lib.rs",
            "mod error;\nmod a;\npub use a::{A, self as first};\npub use error::*;",
        ),
        ("error.rs", "pub struct Error;"),
        ("a.rs", "use crate::Error;\npub struct A(Error);"),
    ];
    assert_eq!(said(&tree), Ok(()));
    let circle = [
        tree[0],
        ("error.rs", "pub struct Error(crate::first::A);"),
        tree[2],
    ];
    let message = said(&circle).unwrap_err();
    assert!(message.contains("error.rs uses A of "), "{message}");
    assert!(message.contains("a.rs uses Error of "), "{message}");
    assert!(!message.contains("lib.rs"), "{message}");
}

#[test]
fn a_re_export_that_the_file_uses_itself_is_an_arrow() {
    let files = |used: &'static str| {
        [
            ("lib.rs", "mod a;"),
            ("a.rs", used),
            ("a/child.rs", "pub struct B;\nimpl super::Own for B {}"),
        ]
    };
    let facade = "mod child;\npub use child::B;\npub trait Own {}";
    assert_eq!(said(&files(facade)), Ok(()));
    let user = "mod child;\npub use child::B;\npub trait Own { fn b(&self) -> B { B } }";
    assert!(said(&files(user)).is_err());
}

#[test]
fn code_of_tests_is_left_out() {
    let files = [
        ("lib.rs", "mod a;\nmod b;"),
        (
            "a.rs",
            "use crate::b::B;\npub struct A(B);\n#[cfg(test)] pub(crate) mod testing;",
        ),
        ("a/testing.rs", "pub(crate) fn a() {}"),
        (
            "b.rs",
            "pub struct B;\n#[cfg(test)] use crate::a::A;\n#[cfg(all(test, unix))] mod tests { use crate::a::A; }\n\
             #[test] fn t() { crate::a::testing::a(); }",
        ),
    ];
    assert_eq!(said(&files), Ok(()));
    let outside = [
        files[0],
        files[1],
        files[2],
        (
            "b.rs",
            "pub struct B;\n#[cfg(not(test))] use crate::a::A;\nfn f(_: A) {}",
        ),
    ];
    assert!(said(&outside).is_err());
}

#[test]
fn paths_within_macros_count_and_variables_and_visibilities_do_not() {
    let files = |of_b: &'static str| {
        [
            ("lib.rs", "mod a;\nmod b;"),
            ("a.rs", "use crate::b::B;\npub fn name(_: &B) {}"),
            ("b.rs", of_b),
        ]
    };
    let tied = "pub struct B;\nfn f() { println!(\"{:?}\", crate::a::name(&B)); }";
    assert!(said(&files(tied)).is_err());
    let free = "pub(in crate::a) struct B;\nfn f(name: u8) { println!(\"{}\", name); }";
    assert_eq!(said(&files(free)), Ok(()));
}

#[test]
fn a_crate_uses_only_those_below_it_but_in_its_tests() {
    let page = "[dependencies]\nflamingo-sequence.workspace = true";
    let folder = workspace(&[("page", page), ("sequence", "")]);
    assert!(check(folder.path()).is_ok());
    let tests = "[dev-dependencies]\nflamingo-page.workspace = true";
    let folder = workspace(&[("page", page), ("sequence", tests)]);
    assert!(check(folder.path()).is_ok());
    let up = "[target.'cfg(unix)'.dependencies]\npage = { package = \"flamingo-page\" }";
    let folder = workspace(&[("page", ""), ("sequence", up)]);
    let message = check(folder.path()).unwrap_err().to_string();
    let expected = "flamingo-sequence uses flamingo-page, which is not below it";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn a_crate_without_a_place_in_the_order_is_named() {
    let folder = workspace(&[("new", "")]);
    let message = check(folder.path()).unwrap_err().to_string();
    assert!(message.contains("flamingo-new has no place"), "{message}");
}

#[test]
fn the_table_of_the_architecture_names_every_crate_of_the_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    for name in layers::LAYERS.concat() {
        assert!(text.contains(&format!("| `{name}` |")), "{name}");
    }
}
