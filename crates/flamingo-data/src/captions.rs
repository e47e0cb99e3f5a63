//! Pictures with what they show, a line each: `captions.jsonl`, or the `metadata.jsonl`, `metadata.csv` or
//! `metadata.parquet` of folders of pictures as Hugging Face's `datasets` reads them.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use flamingo_sequence::{Document, Part};
use serde_json::{Map, Value};

use crate::{Error, MediaBase, Report, Result, Sample, metadata_table, packed};

/// Files of a folder that say what its pictures show.
pub const CAPTION_FILES: [&str; 4] = [
    "captions.jsonl",
    "metadata.jsonl",
    "metadata.csv",
    "metadata.parquet",
];
/// Keys of their lines that name the picture, beside those that end in [`NAME`].
const NAMES: [&str; 2] = ["image", "file"];
/// How keys end that name one picture: `file_name`, `left_file_name`.
const NAME: &str = "file_name";
/// How keys end that name a list of pictures.
const LIST: &str = "file_names";
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

/// The samples of a file; a line is pictures with a text, or a document.
pub(crate) fn read(path: &Path, report: &mut Report, samples: &mut Vec<Sample>) -> Result<()> {
    let name = path.display().to_string();
    let base = MediaBase::beside(path);
    let ending = path.extension().unwrap_or_default();
    let is = |of: &str| ending.eq_ignore_ascii_case(of);
    let line = if is("parquet") { "row" } else { "line" };
    let mut take = |number: usize, document: Result<Document, String>| {
        report.found += 1;
        let sample = format!("{name}, {line} {number}");
        match document {
            Ok(mut document) => {
                document.id.get_or_insert(sample);
                let base = base.clone();
                samples.push(Sample { document, base });
            }
            Err(error) => report.leave_out(&sample, "no caption", &error),
        }
    };
    if is("parquet") {
        return metadata_table::rows(path, |number, row| take(number, document(row)));
    }
    if is("csv") {
        return rows(path, take);
    }
    for (number, line) in packed::reader(path)?.lines().enumerate() {
        let line = line.map_err(Error::read(path))?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if !line.is_empty() {
            let value = serde_json::from_str(line).map_err(|error| error.to_string());
            take(number + 1, value.and_then(document));
        }
    }
    Ok(())
}

/// The rows of a table of comma-separated values, whose first line names its columns.
fn rows(path: &Path, mut take: impl FnMut(usize, Result<Document, String>)) -> Result<()> {
    let mut table = csv::Reader::from_reader(packed::reader(path)?);
    let broken = |error: csv::Error| Error::read(path)(std::io::Error::other(error));
    let columns = table.headers().map_err(broken)?.clone();
    let columns: Vec<&str> = columns
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').trim())
        .collect();
    for (number, row) in table.records().enumerate() {
        // Behind the names of the columns.
        let line = match &row {
            Ok(row) => row
                .position()
                .map_or(number + 2, |place| place.line() as usize),
            Err(_) => number + 2,
        };
        let value = row.map_err(|error| error.to_string()).map(|row| {
            let cells = columns.iter().zip(&row);
            let cells = cells.map(|(name, cell)| ((*name).to_owned(), cell.into()));
            Value::Object(cells.collect::<Map<_, _>>())
        });
        take(line, value.and_then(document));
    }
    Ok(())
}

/// Pictures and a text as it stands, or the document that the line is.
fn document(value: Value) -> Result<Document, String> {
    if value.get("parts").is_some() {
        return serde_json::from_value(value).map_err(|error| error.to_string());
    }
    let text = TEXTS.iter().find_map(|key| value[*key].as_str());
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    let pictures = pictures(&value)?;
    match (text, pictures.is_empty()) {
        (Some(text), false) => {
            let pictures = pictures.into_iter().map(Part::Image);
            Ok(Document::new(pictures.chain([Part::Text(text.to_owned())])))
        }
        _ => Err("a line has `file_name` and `text`, or is a document".to_owned()),
    }
}

/// The pictures that a line names, in its order.
fn pictures(value: &Value) -> Result<Vec<String>, String> {
    let mut pictures = Vec::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        let is_one = key.ends_with(NAME) || NAMES.contains(&&**key);
        let one = |value: &Value| {
            let name = value
                .as_str()
                .map(str::trim)
                .filter(|name| !name.is_empty());
            name.map(str::to_owned)
        };
        match value {
            Value::Array(names) if key.ends_with(LIST) || is_one => {
                let names: Option<Vec<String>> = names.iter().map(one).collect();
                pictures.extend(
                    names.ok_or_else(|| format!("`{key}` holds something else than names"))?,
                );
            }
            value if is_one => pictures.extend(one(value)),
            _ => {}
        }
    }
    Ok(pictures)
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
            told.contains(
                "no captions.jsonl or metadata.jsonl or metadata.csv or metadata.parquet"
            ),
            "{told}"
        );
    }

    #[test]
    fn tables_and_lists_of_pictures_are_read_as_datasets_writes_them() {
        let folder = tempfile::tempdir().unwrap();
        let table = "\u{feff}file_name,text,more\na.png,\"a cat, asleep\nin the sun\",1\nb.png,,2\nsub/c.png,a dog,\nd.png\n";
        let path = folder.path().join("metadata.csv");
        std::fs::write(&path, table).unwrap();
        let source = Source::read(Format::Captions, folder.path()).unwrap();
        assert_eq!((source.report.found, source.samples.len()), (4, 2));
        let first = &source.samples[0].document;
        assert_eq!(
            first.parts[1],
            Part::Text("a cat, asleep\nin the sun".into())
        );
        assert_eq!(
            source.samples[1].document.parts[0],
            Part::Image("sub/c.png".into())
        );
        let lines = concat!(
            "{\"left_file_name\": \"l.png\", \"right_file_name\": \"r.png\", \"text\": \"two\"}\n",
            "{\"images_file_names\": [\"1.png\", \"2.png\", \"3.png\"], \"caption\": \"three\"}\n",
            "{\"file_names\": [\"1.png\", 2], \"text\": \"bad\"}\n{\"file_names\": [], \"text\": \"none\"}\n",
        );
        std::fs::write(folder.path().join("metadata.jsonl"), lines).unwrap();
        let source = Source::read(Format::Captions, folder.path()).unwrap();
        assert_eq!((source.report.found, source.samples.len()), (4, 2));
        let shown = |n: usize| source.samples[n].document.media().count();
        assert_eq!((shown(0), shown(1)), (2, 3));
    }
}
