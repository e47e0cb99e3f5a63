//! What a path holds that a model is to learn.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use flamingo::data::{CAPTION_FILES, Format};
use flamingo::sequence::Form;

use crate::failure::{Failure, Hint, Result};

/// What the samples of a fine-tuning are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Pictures and the names of their folders.
    Classes,
    /// Pictures and what is written of them.
    Captions,
    /// Documents, which say what is to be read and learnt.
    Documents,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Classes => "pictures in folders named for what they show",
            Self::Captions => "pictures with captions",
            Self::Documents => "documents",
        }
    }

    /// Whether the prompt is put between picture and text.
    pub(super) fn is_asked(self) -> bool {
        self != Self::Documents
    }

    pub(super) fn form(self) -> Form {
        match self {
            Self::Classes | Self::Captions => Form::Pair,
            Self::Documents => Form::Page,
        }
    }
}

/// How the data are read, and what they are.
pub(super) fn recognised(path: &Path) -> Result<(Format, Kind)> {
    let unreadable = |error| Failure::new(format!("cannot read {}: {error}", path.display()));
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_file() {
        return of_file(path);
    }
    if CAPTION_FILES.iter().any(|name| path.join(name).is_file()) {
        return Ok((Format::Captions, Kind::Captions));
    }
    let entries: Vec<_> = fs::read_dir(path)
        .map_err(unreadable)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    let jsonl = entries.iter().find(|path| is_jsonl(path));
    match (jsonl, entries.iter().any(|path| path.is_dir())) {
        (Some(file), _) if of_file(file)?.1 == Kind::Documents => {
            Ok((Format::Jsonl, Kind::Documents))
        }
        (_, true) => Ok((Format::Folders, Kind::Classes)),
        _ => Err(unknown(path)).hint(format!(
            "put the pictures of each class into a folder of its name, or write {}",
            CAPTION_FILES[0]
        )),
    }
}

fn of_file(path: &Path) -> Result<(Format, Kind)> {
    let name = path.display().to_string().to_ascii_lowercase();
    if name.ends_with(".csv") {
        return Ok((Format::Captions, Kind::Captions));
    }
    if !is_jsonl(path) {
        return Err(unknown(path)).hint("a recipe reads shards, Parquet and pages, too");
    }
    // The readers know whether a line is whole; here its keys are enough.
    let packed = name.ends_with(".gz") || name.ends_with(".zst");
    let first = match packed {
        true => None,
        false => BufReader::new(File::open(path)?)
            .lines()
            .map_while(Result::<_, std::io::Error>::ok)
            .find(|line| !line.trim_start_matches('\u{feff}').trim().is_empty()),
    };
    Ok(match first {
        Some(line) if !line.contains("\"parts\"") => (Format::Captions, Kind::Captions),
        _ => (Format::Jsonl, Kind::Documents),
    })
}

fn is_jsonl(path: &Path) -> bool {
    let name = path.display().to_string().to_ascii_lowercase();
    [".jsonl", ".jsonl.gz", ".jsonl.zst"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn unknown(path: &Path) -> Failure {
    Failure::new(format!(
        "{}: neither a folder with a folder for each class, nor a folder with {}, nor JSONL",
        path.display(),
        CAPTION_FILES.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn classes_captions_and_documents_are_told_apart_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let of = |name: &str| recognised(&path(name)).map(|(_, kind)| kind);
        fs::create_dir_all(path("classes/cat")).unwrap();
        assert_eq!(of("classes").unwrap(), Kind::Classes);
        for (name, line, kind) in [
            ("a.jsonl", r#"{"parts": [{"text": "x"}]}"#, Kind::Documents),
            (
                "b.jsonl",
                "\n{\"file_name\": \"x.png\", \"text\": \"x\"}",
                Kind::Captions,
            ),
            ("c.csv", "file_name,text\n", Kind::Captions),
        ] {
            fs::write(path(name), line).unwrap();
            assert_eq!(of(name).unwrap(), kind, "{name}");
        }
        fs::create_dir(path("documents")).unwrap();
        fs::copy(path("a.jsonl"), path("documents/a.jsonl")).unwrap();
        assert_eq!(of("documents").unwrap(), Kind::Documents);
        fs::write(path("classes/metadata.csv"), "file_name,text\n").unwrap();
        assert_eq!(of("classes").unwrap(), Kind::Captions);
        fs::create_dir(path("empty")).unwrap();
        fs::write(path("a.txt"), "").unwrap();
        for name in ["empty", "a.txt", "absent"] {
            assert!(of(name).unwrap_err().message.contains(name), "{name}");
        }
    }
}
