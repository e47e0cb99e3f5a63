//! The packages of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::{Table, Value};

/// A package of the workspace.
pub(super) struct Package {
    pub(super) name: String,
    folder: PathBuf,
    /// The packages that it depends on to be built.
    pub(super) uses: Vec<String>,
}

impl Package {
    /// All members of the workspace at `root`.
    pub(super) fn all(root: &Path) -> anyhow::Result<Vec<Self>> {
        let manifest = read(root)?;
        let members = manifest.get("workspace").and_then(|it| it.get("members"));
        let members = members.and_then(Value::as_array).into_iter().flatten();
        let mut folders = Vec::new();
        for member in members.filter_map(Value::as_str) {
            match member.strip_suffix("/*") {
                None => folders.push(root.join(member)),
                Some(parent) => folders.extend(packages_in(&root.join(parent))?),
            }
        }
        folders.sort();
        folders.into_iter().map(Self::read).collect()
    }

    fn read(folder: PathBuf) -> anyhow::Result<Self> {
        let manifest = read(&folder)?;
        let name = manifest.get("package").and_then(|it| it.get("name"));
        let name = name.and_then(Value::as_str);
        let name = name.with_context(|| format!("{} names no package", folder.display()))?;
        let targets = manifest.get("target").and_then(Value::as_table);
        let targets = targets.into_iter().flat_map(Table::values);
        let tables = targets.filter_map(Value::as_table).chain([&manifest]);
        Ok(Self {
            name: name.to_owned(),
            uses: tables.flat_map(dependencies).collect(),
            folder,
        })
    }

    /// The files that its library and its programs begin with.
    pub(super) fn targets(&self) -> Vec<PathBuf> {
        let source = self.folder.join("src");
        let programs = fs::read_dir(source.join("bin")).into_iter().flatten();
        let programs = programs.flatten().map(|entry| entry.path());
        let programs = programs.map(|path| match path.is_dir() {
            true => path.join("main.rs"),
            false => path,
        });
        let all = [source.join("lib.rs"), source.join("main.rs")];
        let all = all.into_iter().chain(programs);
        all.filter(|path| path.is_file()).collect()
    }
}

fn read(folder: &Path) -> anyhow::Result<Table> {
    let path = folder.join("Cargo.toml");
    let text = fs::read_to_string(&path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    text.parse()
        .with_context(|| format!("{} is no manifest", path.display()))
}

fn packages_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder);
    let entries = entries.with_context(|| format!("cannot list {}", folder.display()))?;
    let folders = entries.flatten().map(|entry| entry.path());
    Ok(folders
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect())
}

fn dependencies(table: &Table) -> impl Iterator<Item = String> {
    let kinds = ["dependencies", "build-dependencies"].into_iter();
    let tables = kinds.filter_map(|kind| table.get(kind)?.as_table());
    tables.flatten().map(|(key, value)| {
        let package = value.get("package").and_then(Value::as_str);
        package.unwrap_or(key).to_owned()
    })
}
