//! What the tasks of classification share: folders of classes, their names, the best of them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::answer::Answered;
use crate::data::DataFolder;
use crate::error::{Result, TaskError};
use crate::judge::likelihoods;
use crate::read::{bytes, form, json};

/// What a folder holds, by name; hidden files are none of a user's.
pub(super) fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let found = fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let found = found.map_err(|source| TaskError::Io {
        path: folder.to_owned(),
        source,
    })?;
    let named = found.into_iter().map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, entry.path())
    });
    let mut named: Vec<_> = named.filter(|(name, _)| !name.starts_with('.')).collect();
    named.sort();
    Ok(named)
}

/// The labels of the five likeliest candidates, the first of equal ones before the others.
pub(super) fn best<'a>(
    task: &str,
    answered: &Answered<'a>,
    labels: &'a [String],
) -> Result<Vec<&'a str>> {
    let likelihoods = likelihoods(task, answered)?;
    let mut places: Vec<usize> = (0..likelihoods.len()).collect();
    places.sort_by(|&a, &b| likelihoods[b].total_cmp(&likelihoods[a]).then(a.cmp(&b)));
    let candidates = answered.example.candidates.as_deref().unwrap_or_default();
    let name = |place: usize| {
        let label = labels.get(place).or(candidates.get(place));
        label.map_or("", String::as_str)
    };
    Ok(places.into_iter().take(5).map(name).collect())
}

const NAMES: [&str; 5] = [
    "classnames.json",
    "imagenet_classnames.json",
    "imagenet-simple-labels.json",
    "imagenet_class_index.json",
    "LOC_synset_mapping.txt",
];

/// The names of ImageNet's classes, and what to know of them.
///
/// A JSON list in the order of the folders' names, an object of `"0": ["n01440764", "tench"]`, or lines of a folder's
/// name and then the class's, of which the first of several is taken.
pub(super) fn imagenet_names(
    data: &DataFolder,
    classes: &[String],
) -> Result<(Arc<[String]>, Vec<String>)> {
    let path = data.maybe(&NAMES)?.ok_or_else(|| TaskError::Task {
        task: "imagenet".to_owned(),
        reason: format!(
            "the names of the classes are not below {}: give one of {}",
            data.root().display(),
            NAMES.join(", ")
        ),
    })?;
    let by_folder = by_folder(path, classes)?;
    let name = |class: &String| {
        by_folder
            .get(class)
            .cloned()
            .ok_or_else(|| form(path, format!("has no name of the class {class}")))
    };
    let names = classes
        .iter()
        .map(name)
        .collect::<Result<Arc<[String]>>>()?;
    let mut notes = vec![format!("names of classes are of {}", path.display())];
    let mut seen = HashMap::new();
    for (name, class) in names.iter().zip(classes) {
        if let Some(other) = seen.insert(name, class) {
            notes.push(format!(
                "{other} and {class} are both called {name:?}: the first is always chosen before the other"
            ));
        }
    }
    Ok((names, notes))
}

/// Names by folder.
fn by_folder(path: &Path, classes: &[String]) -> Result<HashMap<String, String>> {
    if path.extension().is_some_and(|ending| ending == "txt") {
        return Ok(lines(&String::from_utf8_lossy(&bytes(path)?)));
    }
    match json(path)? {
        Value::Array(list) => {
            let names = list.iter().map(|name| name.as_str().map(str::to_owned));
            let names: Option<Vec<String>> = names.collect();
            let names = names.filter(|names| names.len() == classes.len());
            let names = names.ok_or_else(|| {
                let (found, wanted) = (list.len(), classes.len());
                form(
                    path,
                    format!("has {found} entries, it should be {wanted} names, one a folder"),
                )
            })?;
            Ok(classes.iter().cloned().zip(names).collect())
        }
        Value::Object(index) => Ok(index.values().filter_map(indexed).collect()),
        _ => Err(form(path, "is neither a list nor an object of names")),
    }
}

fn lines(text: &str) -> HashMap<String, String> {
    let lines = text.lines().filter_map(|line| {
        let (folder, names) = line.trim().split_once(char::is_whitespace)?;
        let first = names.split(',').next()?.trim();
        Some((folder.to_owned(), first.to_owned()))
    });
    lines.collect()
}

fn indexed(value: &Value) -> Option<(String, String)> {
    let folder = value.get(0)?.as_str()?.to_owned();
    Some((folder, value.get(1)?.as_str()?.replace('_', " ")))
}
