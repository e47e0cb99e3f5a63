//! Which format a path is of, by the names of its files and what the first of them begins with.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufRead;
use std::path::Path;

use serde_json::Value;

use crate::captions::CAPTION_FILES;
use crate::{Error, Format, Result, packed, paths};

/// Folders are looked into so far for the format that most of their files have.
const LOOKED_AT: usize = 10_000;
/// So many lines of a file are looked at for its first record.
const LINES: usize = 20;

impl Format {
    /// The format that `path` is of: a file, a folder, a pattern or a list of files.
    ///
    /// # Errors
    /// [`Error::Read`] if it cannot be read, [`Error::Unrecognised`] if it is of no format, or of several.
    pub fn recognise(path: &Path) -> Result<Self> {
        let named = paths::named(path)?;
        let first = &named[0];
        if !fs::metadata(first).map_err(Error::read(first))?.is_dir() {
            return of_file(first);
        }
        if CAPTION_FILES.iter().any(|file| first.join(file).is_file()) {
            return Ok(Format::Captions);
        }
        let found = in_folder(first)?;
        let most = found.iter().max_by_key(|(_, (count, _))| *count);
        let Some((format, (_, example))) = most else {
            return Err(unknown(
                first,
                "the folder holds no shards, JSONL, Parquet, pages or pictures",
            ));
        };
        match *format {
            // Its lines say what they are.
            "jsonl" => of_file(example),
            "parquet" => Ok(Format::Parquet),
            "shards" => Ok(Format::Shards),
            // Tables that are no metadata: of what, nothing says.
            "captions" => of_file(example),
            "pages" => Ok(Format::Pages),
            _ => Ok(Format::Folders),
        }
    }

    /// The word by which recipes call it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Jsonl => "jsonl",
            Format::Shards => "shards",
            Format::Parquet => "parquet",
            Format::Pages => "pages",
            Format::Folders => "folders",
            Format::Captions => "captions",
            Format::Conversations => "conversations",
        }
    }
}

fn unknown(path: &Path, problem: &str) -> Error {
    Error::Unrecognised {
        path: path.to_path_buf(),
        problem: problem.to_owned(),
    }
}

/// The format that a file's name says, if one does.
fn by_name(name: &str) -> Option<Format> {
    let formats = [
        Format::Shards,
        Format::Jsonl,
        Format::Parquet,
        Format::Pages,
        Format::Folders,
        Format::Conversations,
        Format::Captions,
    ];
    let name = name.to_ascii_lowercase();
    let ends = |format: &&Format| format.endings().iter().any(|ending| name.ends_with(ending));
    formats.iter().find(ends).copied()
}

/// For each format the number of files that are named so, and the first of them.
fn in_folder(folder: &Path) -> Result<BTreeMap<&'static str, (usize, std::path::PathBuf)>> {
    let mut found: BTreeMap<&'static str, (usize, std::path::PathBuf)> = BTreeMap::new();
    let (mut folders, mut seen) = (vec![folder.to_path_buf()], 0);
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(Error::read(&folder))?;
        let mut entries = entries
            .collect::<std::io::Result<Vec<_>>>()
            .map_err(Error::read(&folder))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(format) = by_name(&name).filter(|_| !name.starts_with('.')) {
                found.entry(format.name()).or_insert((0, path)).0 += 1;
            }
            seen += 1;
            if seen == LOOKED_AT {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

fn of_file(path: &Path) -> Result<Format> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if CAPTION_FILES.contains(&&*name) {
        return Ok(Format::Captions);
    }
    match by_name(&name) {
        Some(Format::Jsonl) => of_lines(path),
        Some(Format::Folders) => Err(unknown(path, "it is a single picture: give its folder")),
        Some(format) => Ok(format),
        None => Err(unknown(path, "its name ends in none that is known")),
    }
}

/// Of a file of lines: documents, captions or conversations.
fn of_lines(path: &Path) -> Result<Format> {
    for line in packed::reader(path)?.lines().take(LINES) {
        let line = line.map_err(Error::read(path))?;
        let Ok(value) = serde_json::from_str::<Value>(line.trim_start_matches('\u{feff}')) else {
            continue;
        };
        let has = |key: &str| value.get(key).is_some();
        if has("parts") {
            return Ok(Format::Jsonl);
        }
        if has("conversations") || has("messages") {
            return Ok(Format::Conversations);
        }
        if has("text_list") && has("image_info") {
            return Ok(Format::Jsonl);
        }
        return Ok(Format::Captions);
    }
    Err(unknown(path, "none of its first lines is JSON"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn files_and_folders_are_recognised_by_what_they_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), text).unwrap();
        };
        write("a/1.jsonl", "\u{feff}{\"parts\": []}\n");
        write("b/x.jsonl", "{\"file_name\": \"a.png\", \"text\": \"a\"}\n");
        write("c/metadata.jsonl", "{}");
        write("d/l.jsonl", "no json\n{\"conversations\": []}");
        write("e/00000.tar", "");
        write("e/00000.parquet", "");
        write("e/00001.tar.gz", "");
        write("f/cat/1.JPG", "");
        write("f/cat/2.jpg", "");
        write("f/notes.html", "");
        write("g/llava.json", "[]");
        write("h/readme.md", "");
        write("i/x.parquet", "");
        write("j/deep/page.htm", "");
        for (place, format) in [
            ("a", Format::Jsonl),
            ("a/1.jsonl", Format::Jsonl),
            ("b", Format::Captions),
            ("c", Format::Captions),
            ("c/metadata.jsonl", Format::Captions),
            ("d/l.jsonl", Format::Conversations),
            ("e", Format::Shards),
            ("e/0000{0..1}.tar*", Format::Shards),
            ("f", Format::Folders),
            ("g/llava.json", Format::Conversations),
            ("i/*.parquet", Format::Parquet),
            ("j", Format::Pages),
        ] {
            let found = Format::recognise(&path(place)).unwrap();
            assert_eq!(found, format, "{place}");
        }
        for (place, told) in [
            ("h", "no shards"),
            ("h/readme.md", "none that is known"),
            ("f/cat/1.JPG", "give its folder"),
            ("nowhere", "cannot read"),
        ] {
            let message = Format::recognise(&path(place)).unwrap_err().to_string();
            assert!(
                message.contains(told) && message.contains(place),
                "{message}"
            );
        }
    }
}
