//! Pictures with what they show, a line of JSON each: `captions.jsonl`, or the `metadata.jsonl` of folders of pictures as
//! Hugging Face's `datasets` reads them.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use flamingo_sequence::{Document, Part};
use serde_json::Value;

use crate::{Error, MediaBase, Report, Result, Sample, packed};

/// Files of a folder that say what its pictures show.
pub const CAPTION_FILES: [&str; 2] = ["captions.jsonl", "metadata.jsonl"];
/// Keys of their lines that name the picture.
const NAMES: [&str; 3] = ["file_name", "image", "file"];
/// Keys of their lines that say what it shows.
const TEXTS: [&str; 3] = ["text", "caption", "label"];

/// The file itself, or the first of [`CAPTION_FILES`] in the folder.
///
/// # Errors
/// [`Error::Nothing`] if the folder has none.
pub(crate) fn file(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_path_buf());
    }
    let files = CAPTION_FILES.map(|file| path.join(file));
    let found = files.into_iter().find(|file| file.is_file());
    found.ok_or_else(|| Error::Nothing {
        path: path.to_path_buf(),
        problem: format!("the folder has no {}", CAPTION_FILES.join(" or ")),
    })
}

/// The samples of a file; a line is a picture with a text, or a document.
pub(crate) fn read(path: &Path, report: &mut Report, samples: &mut Vec<Sample>) -> Result<()> {
    let name = path.display().to_string();
    let base = MediaBase::beside(path);
    for (number, line) in packed::reader(path)?.lines().enumerate() {
        let line = line.map_err(Error::read(path))?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        report.found += 1;
        let sample = format!("{name}, line {}", number + 1);
        match document(line) {
            Ok(mut document) => {
                document.id.get_or_insert(sample);
                let base = base.clone();
                samples.push(Sample { document, base });
            }
            Err(error) => report.leave_out(&sample, "no caption", &error),
        }
    }
    Ok(())
}

/// A pair, its text as it stands, or the document that the line is.
fn document(line: &str) -> Result<Document, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if value.get("parts").is_some() {
        return serde_json::from_value(value).map_err(|error| error.to_string());
    }
    let first = |keys: &[&str]| {
        let text = keys.iter().find_map(|key| value[*key].as_str())?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    match (first(&NAMES), first(&TEXTS)) {
        (Some(picture), Some(text)) => Ok(Document::new([Part::Image(picture), Part::Text(text)])),
        _ => Err("a line has `file_name` and `text`, or is a document".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Format, Source};

    #[test]
    fn lines_of_all_forms_are_pairs_or_documents_and_others_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let lines = concat!(
            "\u{feff}{\"file_name\": \"a.png\", \"text\": \" a cat \"}\n\n",
            "{\"image\": \"b.png\", \"caption\": \"b\", \"more\": 3}\n",
            "{\"parts\": [{\"image\": \"c.png\"}, {\"text\": \"Output: c\"}, {\"end\": true}]}\n",
            "{\"file_name\": 3, \"text\": \"x\"}\n{\"file_name\": \"d.png\", \"text\": \" \"}\n{\n",
        );
        std::fs::write(folder.path().join("metadata.jsonl"), lines).unwrap();
        for path in [
            folder.path().to_path_buf(),
            folder.path().join("metadata.jsonl"),
        ] {
            let source = Source::read(Format::Captions, &path).unwrap();
            assert_eq!(
                (source.report.found, source.report.left_out["no caption"]),
                (6, 3)
            );
            let pair = [Part::Image("a.png".into()), Part::Text("a cat".into())];
            assert_eq!(source.samples[0].document.parts, pair);
            assert_eq!(source.samples[2].document.parts.len(), 3);
        }
        std::fs::write(folder.path().join(CAPTION_FILES[0]), "{}\n").unwrap();
        let told = Source::read(Format::Captions, folder.path())
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("1 x no caption"),
            "captions.jsonl comes first: {told}"
        );
        let told = Source::read(Format::Captions, &folder.path().join(".."))
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("no captions.jsonl or metadata.jsonl"),
            "{told}"
        );
    }
}
