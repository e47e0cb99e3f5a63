//! Files of documents: one JSON object a line, or one document over several lines.

use std::io::BufRead;

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::{Candidates, Document, Error, Result};

/// Reads one document a line; blank lines are skipped. `name` is the file's, for messages.
///
/// A bad line is an [`Error::Json`] with `name:line`, and the lines after it still come. Where the
/// reader itself fails, an [`Error::Read`] is the last item.
pub fn read_jsonl(reader: impl BufRead, name: &str) -> impl Iterator<Item = Result<Document>> {
    records(reader, name)
}

/// Reads one document with its candidate answers a line, as [`read_jsonl`] does.
pub fn read_candidates(
    reader: impl BufRead,
    name: &str,
) -> impl Iterator<Item = Result<Candidates>> {
    records(reader, name)
}

/// Reads a file of prompts: one document as JSON (on any number of lines), or many as JSONL.
///
/// It is JSONL if its first line that is not blank is JSON by itself.
///
/// # Errors
/// The first bad line ([`Error::Json`]); [`Error::Empty`], with the place, if there is no document.
pub fn read_prompts(text: &str, name: &str) -> Result<Vec<Document>> {
    let text = text.trim_start_matches('\u{feff}');
    let Some(first) = text.lines().find(|line| !line.trim().is_empty()) else {
        return Err(Error::Json {
            place: name.to_string(),
            message: Error::Empty.to_string(),
        });
    };
    if serde_json::from_str::<IgnoredAny>(first).is_ok() {
        return records(text.as_bytes(), name).collect();
    }
    Ok(vec![parse(text.as_bytes(), name, 1)?])
}

/// The records of a reader, one a line.
fn records<T: DeserializeOwned>(
    mut reader: impl BufRead,
    name: &str,
) -> impl Iterator<Item = Result<T>> {
    let mut line = 0;
    let mut broken = false;
    std::iter::from_fn(move || {
        while !broken {
            let mut bytes = Vec::new();
            line += 1;
            match reader.read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(source) => {
                    broken = true;
                    let place = format!("{name}:{line}");
                    return Some(Err(Error::Read { place, source }));
                }
            }
            let record = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            if !record.trim_ascii().is_empty() {
                return Some(parse(record, name, line));
            }
        }
        None
    })
}

/// Reads one JSON value that begins at line `line` (from 1) of the file `name`.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8], name: &str, line: usize) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| {
        let message = error.to_string();
        // serde_json counts from the record's first line; 0 stands for the record as a whole.
        let suffix = format!(" at line {} column {}", error.line(), error.column());
        let message = message.strip_suffix(&suffix).unwrap_or(&message);
        Error::Json {
            place: format!("{name}:{}", line + error.line().saturating_sub(1)),
            message: message.to_string(),
        }
    })
}
