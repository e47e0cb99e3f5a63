//! What the cache alone can give.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::cache::RepoCache;

/// No repository nests its folders as deep.
const DEEPEST: usize = 32;

/// An index of a thousand shards is far below.
const LARGEST_INDEX: u64 = 64 << 20;

/// The snapshot of a revision if all is there that is known to belong to it: no link leads to
/// nothing, and the wanted shards of each wanted index are there. Else what is missing.
pub(crate) fn complete_snapshot(
    cache: &RepoCache,
    revision: &str,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<PathBuf, String> {
    let commit = cache.commit(revision);
    let commit = commit.ok_or_else(|| format!("there is no revision {revision}"))?;
    let snapshot = cache.snapshot(&commit);
    let mut needed = names_below(&snapshot);
    needed.retain(|name| wanted(name));
    if needed.is_empty() {
        return Err("none of the files that are needed is there".to_owned());
    }
    let indices = needed.iter().filter(|name| name.ends_with(".index.json"));
    let shards: Vec<String> = indices.flat_map(|index| shards(&snapshot, index)).collect();
    needed.extend(shards.into_iter().filter(|name| wanted(name)));
    match needed.iter().find(|name| !snapshot.join(name).is_file()) {
        Some(missing) => Err(format!("{missing} is missing")),
        None => Ok(snapshot),
    }
}

/// The names of all files below a folder, by `/`, links to nothing included.
fn names_below(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect(folder, "", DEEPEST, &mut names);
    names
}

fn collect(folder: &Path, prefix: &str, depth: usize, names: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let name = format!("{prefix}{name}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => {
                collect(&entry.path(), &format!("{name}/"), depth - 1, names);
            }
            Ok(kind) if !kind.is_dir() => {
                names.insert(name);
            }
            _ => {}
        }
    }
}

#[derive(serde::Deserialize)]
struct Index {
    weight_map: HashMap<String, String>,
}

/// The files that an index of shards names; none if it is not such an index.
fn shards(snapshot: &Path, index: &str) -> BTreeSet<String> {
    let Ok(file) = File::open(snapshot.join(index)) else {
        return BTreeSet::new();
    };
    let reader = BufReader::new(file.take(LARGEST_INDEX));
    let Ok(index_file) = serde_json::from_reader::<_, Index>(reader) else {
        return BTreeSet::new();
    };
    let folder = index
        .rsplit_once('/')
        .map(|(folder, _)| format!("{folder}/"))
        .unwrap_or_default();
    index_file
        .weight_map
        .into_values()
        .map(|shard| format!("{folder}{shard}"))
        .collect()
}
