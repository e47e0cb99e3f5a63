//! `THIRD-PARTY-LICENSES`: the packages that a program is linked from, with the texts of their licences.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use super::Build;
use crate::command::{cargo, read};

/// How deep below a package's folder the licences of code that it has copied are looked for.
const DEPTH: usize = 3;
/// Names that files of licences begin with, in lower case.
const NAMES: [&str; 7] = [
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "unlicense",
    "patents",
];
/// Folders of what is not linked.
const NOT_LINKED: [&str; 5] = ["assets", "benches", "build-aux", "examples", "tests"];

/// A package that is linked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Its licences as an SPDX expression.
    pub(crate) expression: String,
    pub(crate) authors: Vec<String>,
    pub(crate) repository: String,
    /// Texts by the name of their file.
    pub(crate) texts: Vec<(String, String)>,
}

/// The packages of other people that a build links, by name.
///
/// # Errors
/// If cargo does not tell, or a file cannot be read.
pub(crate) fn packages(build: &Build<'_>) -> anyhow::Result<Vec<Package>> {
    let linked = linked(build)?;
    let mut packages = Vec::new();
    for package in build.metadata["packages"].as_array().into_iter().flatten() {
        let field = |name: &str| package[name].as_str().unwrap_or_default().to_owned();
        let (name, version) = (field("name"), field("version"));
        // What has no source is ours.
        if package["source"].is_null() || !linked.contains(&(name.clone(), version.clone())) {
            continue;
        }
        let manifest = PathBuf::from(field("manifest_path"));
        let folder = manifest.parent().context("a manifest lies in a folder")?;
        let authors = package["authors"].as_array().into_iter().flatten();
        packages.push(Package {
            texts: texts(folder, &field("license"), package["license_file"].as_str())?,
            expression: match field("license") {
                none if none.is_empty() => "see its text".to_owned(),
                expression => expression.replace('/', " OR "),
            },
            authors: authors
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            repository: field("repository"),
            name,
            version,
        });
    }
    packages.sort();
    borrow_texts(&mut packages);
    packages.extend(beside_packages(build.target)?);
    Ok(packages)
}

/// Names and versions of what is linked: dependencies that run while building are not.
fn linked(build: &Build<'_>) -> anyhow::Result<BTreeSet<(String, String)>> {
    let mut command = cargo(
        "tree --locked --package flamingo --edges normal,no-proc-macro --prefix none --format {p} --target",
    );
    command.arg(build.target).args(build.feature_arguments());
    let tree = read(&mut command)?;
    let packages = tree.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let name = words.next()?;
        let version = words.next()?.strip_prefix('v')?;
        Some((name.to_owned(), version.to_owned()))
    });
    Ok(packages.collect())
}

/// What is linked without being a package: the standard library, and the C library of a static program.
fn beside_packages(target: &str) -> anyhow::Result<Vec<Package>> {
    let version = read(Command::new("rustc").arg("--version"))?;
    let mut packages = vec![Package {
        name: "Rust's standard library".to_owned(),
        version: version.split(' ').nth(1).unwrap_or_default().to_owned(),
        expression: "MIT OR Apache-2.0".to_owned(),
        authors: vec!["The Rust Project Developers".to_owned()],
        repository: "https://github.com/rust-lang/rust".to_owned(),
        texts: Vec::new(),
    }];
    if target.contains("-musl") {
        packages.push(Package {
            name: "musl".to_owned(),
            version: "libc".to_owned(),
            expression: "MIT".to_owned(),
            authors: vec!["Rich Felker, et al.".to_owned()],
            repository: "https://musl.libc.org".to_owned(),
            texts: Vec::new(),
        });
    }
    Ok(packages)
}

/// Texts of licences in a package's folder, by their path in it.
fn texts(
    folder: &Path,
    expression: &str,
    named: Option<&str>,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    find(folder, DEPTH, &mut files)
        .with_context(|| format!("cannot look for licences in {}", folder.display()))?;
    files.extend(named.map(|name| folder.join(name)));
    files.sort();
    files.dedup();
    let mut texts = Vec::new();
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // Code under the GPL or another licence is taken under the other.
        let declined = text.trim_start().starts_with("GNU ");
        if declined && !expression.contains("GPL") {
            continue;
        }
        let name = file.strip_prefix(folder).unwrap_or(&file);
        texts.push((name.display().to_string(), text));
    }
    Ok(texts)
}

fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            let skipped = NOT_LINKED.contains(&name.as_str()) || name.ends_with("-tests");
            if depth > 0 && !skipped {
                find(&path, depth - 1, found)?;
            }
        } else if NAMES.iter().any(|beginning| name.starts_with(beginning)) && !is_code(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_code(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| ["c", "h", "py", "rs", "sh"].contains(&extension))
}

/// Packages without a text get those of a package from the same repository.
fn borrow_texts(packages: &mut [Package]) {
    let mut of_repository = BTreeMap::new();
    for package in packages.iter().filter(|package| !package.texts.is_empty()) {
        of_repository
            .entry((root(&package.repository), package.expression.clone()))
            .or_insert_with(|| package.texts.clone());
    }
    for package in packages
        .iter_mut()
        .filter(|package| package.texts.is_empty())
    {
        let key = (root(&package.repository), package.expression.clone());
        if let Some(texts) = of_repository.get(&key).filter(|_| !key.0.is_empty()) {
            package.texts = texts.clone();
        }
    }
}

/// The address of a repository without a folder in it.
fn root(repository: &str) -> String {
    let address = repository.split("/tree/").next().unwrap_or_default();
    address
        .trim_end_matches('/')
        .trim_end_matches(".git")
        .to_lowercase()
}

/// The whole file: packages with the numbers of their licences, then each text once.
///
/// # Errors
/// If a package has neither a text nor a licence of which `standard` has one.
pub(crate) fn text(
    title: &str,
    packages: &[Package],
    standard: &[(&str, String)],
) -> anyhow::Result<String> {
    let mut numbers = BTreeMap::new();
    let mut texts = Vec::new();
    let mut out = format!(
        "{title}\n\nThe program is linked from these packages. The numbers are those of the texts of their \
         licences, which follow.\n\n"
    );
    for package in packages {
        let mut own = package.texts.clone();
        if own.is_empty() {
            own.push(standard_text(package, standard)?);
        }
        let mut of_package = BTreeSet::new();
        for (file, text) in own {
            // Line breaks and spaces at the ends of lines do not make another text.
            let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
            let text = lines.join("\n");
            let next = texts.len() + 1;
            let number = *numbers.entry(text.clone()).or_insert(next);
            if number == next {
                texts.push((file, text));
            }
            of_package.insert(number);
        }
        let numbers: Vec<String> = of_package.iter().map(ToString::to_string).collect();
        let Package {
            name,
            version,
            expression,
            repository,
            ..
        } = package;
        writeln!(
            out,
            "{name} {version}: {expression} [{}] {repository}",
            numbers.join(", ")
        )?;
    }
    for (at, (file, text)) in texts.iter().enumerate() {
        let rule = "=".repeat(80);
        write!(out, "\n{rule}\n[{}] {file}\n{rule}\n\n{text}\n", at + 1)?;
    }
    Ok(out)
}

/// The text of a licence that the package names but does not bring along.
fn standard_text(
    package: &Package,
    standard: &[(&str, String)],
) -> anyhow::Result<(String, String)> {
    for (licence, text) in standard {
        if package.expression.contains(licence) {
            let holders = match &package.authors[..] {
                [] => format!("the authors of {}", package.name),
                authors => authors.join(", "),
            };
            let lines = text
                .lines()
                .map(|line| match line.starts_with("Copyright (c) ") {
                    true => format!("Copyright (c) {holders}"),
                    false => line.to_owned(),
                });
            let lines: Vec<String> = lines.collect();
            return Ok(((*licence).to_owned(), lines.join("\n")));
        }
    }
    bail!(
        "{} {} ({}) comes without the text of its licence: add it to the licences of xtask/src/dist.rs",
        package.name,
        package.version,
        package.expression
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn package(name: &str, expression: &str, texts: &[(&str, &str)]) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            expression: expression.to_owned(),
            authors: vec!["A. Author".to_owned()],
            repository: format!("https://example.org/{name}"),
            texts: texts
                .iter()
                .map(|(file, text)| ((*file).to_owned(), (*text).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn each_text_is_there_once_whatever_its_line_breaks() {
        let packages = [
            package("a", "MIT", &[("LICENSE-MIT", "Permission\nis granted\n")]),
            package("b", "MIT", &[("LICENSE", "Permission \r\nis granted")]),
            package("c", "ISC", &[("COPYING", "Use it")]),
        ];
        let text = text("Licences", &packages, &[]).unwrap();
        assert_eq!(text.matches("Permission").count(), 1, "{text}");
        assert_eq!(text.matches("Use it").count(), 1, "{text}");
        for line in [
            "a 1.2.3: MIT [1] ",
            "b 1.2.3: MIT [1] ",
            "c 1.2.3: ISC [2] ",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn a_package_without_a_text_gets_that_of_its_licence_with_its_authors() {
        let standard = [("MIT", "MIT License\n\nCopyright (c) us\n\nFree".to_owned())];
        let packages = [package("a", "MIT", &[])];
        let text = text("Licences", &packages, &standard).unwrap();
        assert!(text.contains("Copyright (c) A. Author\n\nFree"), "{text}");
        assert!(!text.contains("Copyright (c) us"), "{text}");
    }

    #[test]
    fn a_licence_that_no_one_has_the_text_of_is_an_error() {
        let message = text("Licences", &[package("a", "0BSD", &[])], &[])
            .unwrap_err()
            .to_string();
        assert!(message.contains("a 1.2.3 (0BSD)"), "{message}");
    }

    #[test]
    fn packages_of_one_repository_share_its_texts() {
        let mut packages = [
            package("burn", "MIT", &[("LICENSE-MIT", "text")]),
            package("burn-nn", "MIT", &[]),
            package("other", "MIT", &[]),
        ];
        packages[1].repository = "https://example.org/Burn/tree/main/crates/burn-nn".to_owned();
        borrow_texts(&mut packages);
        assert_eq!(packages[1].texts, packages[0].texts);
        assert_eq!(packages[2].texts, []);
    }

    #[test]
    fn licences_are_found_beside_copied_code_but_not_beside_tests() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("LICENSE", "one");
        write("zstd/LICENSE", "two");
        write("zstd/COPYING", "  GNU GENERAL PUBLIC LICENSE");
        write("tests/LICENSE", "three");
        write("src/license.rs", "code");
        write("named.txt", "four");
        let texts = texts(folder.path(), "BSD-3-Clause", Some("named.txt")).unwrap();
        let files: Vec<&str> = texts.iter().map(|(file, _)| file.as_str()).collect();
        assert_eq!(files, ["LICENSE", "named.txt", "zstd/LICENSE"]);
    }
}
