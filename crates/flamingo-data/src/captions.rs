//! Pictures with what they show, a line of JSON each: `captions.jsonl`, or the `metadata.jsonl` or `metadata.csv` of
//! folders of pictures as Hugging Face's `datasets` reads them.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use flamingo_sequence::{Document, Part};
use serde::Deserialize;
use serde_json::Value;

use crate::{Error, MediaBase, Report, Result, Sample, packed};

/// Files of a folder that say what its pictures show.
pub const CAPTION_FILES: [&str; 3] = ["captions.jsonl", "metadata.jsonl", "metadata.csv"];
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
        problem: format!("the folder has none of {}", CAPTION_FILES.join(", ")),
    })
}

/// The samples of a file; a line is a picture with a text, or a document.
pub(crate) fn read(path: &Path, report: &mut Report, samples: &mut Vec<Sample>) -> Result<()> {
    let name = path.display().to_string();
    let base = MediaBase::beside(path);
    if name.to_ascii_lowercase().ends_with(".csv") {
        return table(path, &name, &base, report, samples);
    }
    for (number, line) in packed::reader(path)?.lines().enumerate() {
        let line = line.map_err(Error::read(path))?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        report.found += 1;
        let sample = format!("{name}, line {}", number + 1);
        let value = serde_json::from_str(line).map_err(|error| error.to_string());
        match value.and_then(|value| document(&value)) {
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

/// The samples of a table with a line of names; a row is a picture with a text.
fn table(
    path: &Path,
    name: &str,
    base: &MediaBase,
    report: &mut Report,
    samples: &mut Vec<Sample>,
) -> Result<()> {
    let unreadable = |error: csv::Error| Error::Nothing {
        path: path.to_path_buf(),
        problem: format!("it cannot be read as a table: {error}"),
    };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_path(path)
        .map_err(unreadable)?;
    let names = reader.headers().map_err(unreadable)?.clone();
    for record in reader.records() {
        report.found += 1;
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                report.leave_out(
                    &format!("{name}, row {}", report.found),
                    "no caption",
                    &error,
                );
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let sample = format!("{name}, line {line}");
        let fields = names.iter().zip(&record);
        let value = fields.map(|(name, field)| {
            let name = name.trim_start_matches('\u{feff}').to_owned();
            (name, Value::String(field.to_owned()))
        });
        match document(&Value::Object(value.collect())) {
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
fn document(value: &Value) -> Result<Document, String> {
    if value.get("parts").is_some() {
        return Document::deserialize(value).map_err(|error| error.to_string());
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
            told.contains("none of captions.jsonl, metadata.jsonl, metadata.csv"),
            "{told}"
        );
    }
    #[test]
    fn a_table_with_commas_quotes_and_lines_in_its_fields_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let table = "\u{feff}file_name,more,text\r\na.png,1,\"a \"\"cat\"\", a dog\"\r\nb.png,,\"two\nlines\"\nc.png,2\n,3,no name\n";
        std::fs::write(folder.path().join("metadata.csv"), table).unwrap();
        let source = Source::read(Format::Captions, folder.path()).unwrap();
        let said: Vec<_> = source
            .samples
            .iter()
            .map(|s| s.document.parts.clone())
            .collect();
        let pair = |name: &str, text: &str| vec![Part::Image(name.into()), Part::Text(text.into())];
        assert_eq!(
            said,
            [
                pair("a.png", "a \"cat\", a dog"),
                pair("b.png", "two\nlines")
            ]
        );
        assert_eq!(
            (source.report.found, source.report.left_out["no caption"]),
            (4, 2)
        );
    }
}
