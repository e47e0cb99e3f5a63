//! Files of documents: one JSON object a line, or one document over several lines.

use std::io::BufRead;

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::json::parse;
use crate::{Candidates, Document, Error, Result};

/// Reads one document a line; blank lines are skipped. `name` is the file's, for messages.
///
/// A bad line is an [`Error::Json`] with `name:line`, and the lines after it still come. Where the
/// reader itself fails, an [`Error::Read`] is the last item.
pub fn read_jsonl(reader: impl BufRead, name: &str) -> impl Iterator<Item = Result<Document>> {
    records(reader, name).map(|record| record.map(|record| record.value))
}

/// What stands on a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<T> {
    /// The line's number, from 1.
    pub number: usize,
    /// What it holds.
    pub value: T,
}

/// Reads one document with its candidate answers a line, as [`read_jsonl`] does.
pub fn read_candidates(
    reader: impl BufRead,
    name: &str,
) -> impl Iterator<Item = Result<Line<Candidates>>> {
    records(reader, name)
}

/// Reads a file of prompts: one document as JSON (on any number of lines), or many as JSONL.
///
/// It is JSONL if its first line that is not blank is JSON by itself.
///
/// # Errors
/// The first bad line ([`Error::Json`]); [`Error::Empty`], with the place, if there is no document.
pub fn read_prompts(text: &str, name: &str) -> Result<Vec<Line<Document>>> {
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
    let value = parse(text.as_bytes(), name, 1)?;
    Ok(vec![Line { number: 1, value }])
}

/// The records of a reader, one a line.
fn records<T: DeserializeOwned>(
    mut reader: impl BufRead,
    name: &str,
) -> impl Iterator<Item = Result<Line<T>>> {
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
                let value = parse(record, name, line);
                return Some(value.map(|value| Line {
                    number: line,
                    value,
                }));
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::{BufReader, Read};

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn lines(bytes: &[u8]) -> Vec<std::result::Result<usize, String>> {
        read_jsonl(bytes, "a.jsonl")
            .map(|line| line.map(|d| d.parts.len()).map_err(|e| e.to_string()))
            .collect()
    }

    #[test]
    fn lines_are_read_one_by_one_and_a_bad_one_is_named_with_file_and_line() {
        let file =
            b"\xef\xbb\xbf{\"parts\":[{\"end\":true}]}\r\n\n \n{\"parts\":[{\"txt\":\"a\"}]}\n\
            {\"parts\":[{\"end\":true},{\"text\":\"a\"}]}";
        let read = lines(file);
        let expected = "a.jsonl:4: unknown field `txt`, expected one of `image`, `video`, `text`, `end`, `token`";
        assert_eq!(read, [Ok(1), Err(expected.to_string()), Ok(2)]);
    }

    #[test]
    fn a_part_that_is_wrong_is_named_with_file_and_line() {
        let read = lines(b"\n{\"parts\":[{\"image\":\"a\",\"text\":\"b\"}]}\n{\"parts\":[]}");
        let message = read[0].as_ref().unwrap_err();
        assert!(message.starts_with("a.jsonl:2: part 1 of 1: "), "{message}");
        let expected = "a.jsonl:3: the prompt is empty: give at least one part";
        assert_eq!(read[1], Err(expected.to_string()));
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error_of_their_line() {
        let read = lines(b"{\"parts\":[{\"text\":\"\xff\"}]}\n{\"parts\":[{\"end\":true}]}");
        assert!(read[0].as_ref().unwrap_err().starts_with("a.jsonl:1: "));
        assert_eq!(read[1], Ok(1));
    }

    #[test]
    fn a_reader_that_fails_ends_the_lines() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("disk gone"))
            }
        }
        let reader = BufReader::new((&b"{\"parts\":[{\"end\":true}]}\n"[..]).chain(Broken));
        let read: Vec<_> = read_jsonl(reader, "a")
            .map(|r| r.map_err(|e| e.to_string()))
            .collect();
        assert_eq!(read.len(), 2);
        let expected = "a:2: cannot be read: disk gone";
        assert_eq!(read[1].as_ref().unwrap_err(), expected);
    }

    #[test]
    fn lines_to_score_are_read_with_their_candidates() {
        let file = b"\n{\"parts\":[{\"text\":\"a\"}],\"candidates\":[\"b\"]}";
        let read: Result<Vec<_>> = read_candidates(&file[..], "a").collect();
        let line = &read.unwrap()[0];
        assert_eq!(
            (line.number, line.value.candidates.as_slice()),
            (2, &["b".to_owned()][..])
        );
    }

    #[test]
    fn a_prompt_file_is_one_document_or_one_a_line() {
        let one = "{\n  \"parts\": [\n    {\"text\": \"a\"}\n  ]\n}\n";
        assert_eq!(read_prompts(one, "p").unwrap().len(), 1);
        let many = "\n{\"parts\":[{\"text\":\"a\"}]}\n{\"parts\":[{\"text\":\"b\"}]}\n";
        assert_eq!(read_prompts(many, "p").unwrap().len(), 2);

        let message = |text: &str| read_prompts(text, "p").unwrap_err().to_string();
        let misspelt = one.replace("text", "txt");
        assert!(message(&misspelt).starts_with("p:3: unknown field `txt`"));
        let second = many.replace("{\"text\":\"b\"}", "");
        assert!(message(&second).starts_with("p:3: the prompt is empty"));
        let expected = "p: the prompt is empty: give at least one part";
        assert_eq!(message(" \n"), expected);
    }

    /// JSON near a document: the right keys and wrong ones, right types and wrong ones.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,5}".prop_map(Value::from),
        ];
        let key = "(id|parts|image|video|text|end|candidates|\\PC{0,3})";
        leaf.prop_recursive(4, 31, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((key, inner), 0..5)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_json_makes_the_reader_panic(json in any_json(), parts in any_json()) {
            let document = serde_json::json!({ "parts": [parts] });
            for json in [json, document] {
                let text = serde_json::to_string_pretty(&json).unwrap();
                if let Ok(document) = Document::from_json(&text) {
                    prop_assert!(document.check().is_ok());
                }
                let _ = read_prompts(&text, "p");
                let read = read_candidates(text.as_bytes(), "p");
                prop_assert!(read.count() <= text.lines().count());
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let newlines = bytes.iter().filter(|byte| **byte == b'\n').count();
            prop_assert!(lines(&bytes).len() <= newlines + 1);
        }
    }
}
