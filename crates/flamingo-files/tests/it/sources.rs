//! No other crate creates, renames or copies files: it would leave half of one under its final name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Calls that give a file a name.
const CALLS: [&str; 9] = [
    "fs::write(",
    "fs::rename(",
    "fs::copy(",
    "fs::hard_link(",
    "File::create",
    "File::options(",
    "OpenOptions::",
    ".persist(",
    ".create_new(",
];

/// Files that may, and why.
const EXCEPTIONS: [(&str, &str); 6] = [
    (
        "flamingo-checkpoint/src/hub/cache.rs",
        "locks, and links where there are no symbolic ones",
    ),
    (
        "flamingo-checkpoint/src/hub/part.rs",
        "a download that is gone on with, under a name of its own until it is whole",
    ),
    (
        "flamingo-data/src/remote.rs",
        "a download that is gone on with, under a name of its own until it is whole",
    ),
    (
        "flamingo-train/src/checkpoint.rs",
        "puts a damaged checkpoint aside, a whole folder by its name",
    ),
    (
        "flamingo-train/src/metrics.rs",
        "a log that grows line by line; what a resumed run does not know of is cut off",
    ),
    (
        "flamingo-train/src/tensorboard.rs",
        "a log that grows line by line; a resumed run begins it anew with the lines that it has",
    ),
];

#[test]
fn files_are_written_by_this_crate_alone() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources = Vec::new();
    for entry in fs::read_dir(crates).unwrap() {
        let package = entry.unwrap().path();
        if !package.ends_with("flamingo-files") {
            collect(&package.join("src"), &mut sources);
        }
    }
    assert!(sources.len() > 100, "{} files of source", sources.len());
    let mut found = BTreeSet::new();
    let mut places = Vec::new();
    for path in sources {
        let name = path.strip_prefix(crates).unwrap().display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in product(&text) {
            if CALLS.iter().any(|call| line.contains(call)) {
                found.insert(name.clone());
                places.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    let allowed = EXCEPTIONS.map(|(name, _)| name.to_owned()).into();
    let others: Vec<&String> = places
        .iter()
        .filter(|place| !EXCEPTIONS.iter().any(|(name, _)| place.starts_with(name)))
        .collect();
    assert!(others.is_empty(), "use flamingo_files::Draft:\n{others:#?}");
    assert_eq!(found, allowed, "an exception that nothing needs any more");
}

/// The lines of a source that are in the program, with their numbers: neither comments nor tests, which stand last.
fn product(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = ["", "pub(crate) ", "pub(super) "]
        .into_iter()
        .filter_map(|seen| text.find(&format!("#[cfg(test)]\n{seen}mod ")))
        .min();
    let lines = text[..end.unwrap_or(text.len())].lines();
    let numbered = lines.enumerate().map(|(index, line)| (index + 1, line));
    numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The sources below a folder but those of tests.
fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "tests" {
                collect(&path, into);
            }
        } else if name.ends_with(".rs") && !["tests.rs", "testing.rs"].contains(&&*name) {
            into.push(path);
        }
    }
}
