//! The one document: an ordered list of parts, and its JSON.
//!
//! ```json
//! {"id": "7", "parts": [{"image": "cat.jpg"}, {"text": "Output: a cat"}, {"end": true}]}
//! ```
//!
//! Prompts, shots, training examples and evaluation questions are all this. A part has exactly one
//! key; unknown keys are refused.

use std::fmt;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// An ordered list of texts, images, films and ends of chunk.
///
/// Its JSON refuses unknown keys, an empty list of parts, and parts that are empty or have not
/// exactly one key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawDocument", into = "RawDocument")]
pub struct Document {
    /// A name by which reports and answers refer to it.
    pub id: Option<String>,
    /// What it says and shows, in order.
    pub parts: Vec<Part>,
}

/// One part of a [`Document`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawPart", into = "RawPart")]
pub enum Part {
    /// `{"text": ".."}`. Spellings of special tokens in it are plain text.
    Text(String),
    /// `{"image": ".."}`: a path, a URL, a `data:` URL or the name of a shard's member.
    Image(String),
    /// `{"video": ".."}`: as for an image; also a folder of frames.
    Video(String),
    /// `{"end": true}`: the end of a chunk (`<EOC>`).
    End,
    /// `{"token": ".."}`: a special token by its spelling, as chat templates have them between texts.
    Token(String),
}

/// What kind of medium a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// One picture.
    Image,
    /// Several frames.
    Video,
}

/// A document to be scored: its keys and `"candidates": ["a cat", ..]`, the answers to compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawCandidates", into = "RawCandidates")]
pub struct Candidates {
    /// The prompt.
    pub document: Document,
    /// The texts that may follow it: at least one, none empty.
    pub candidates: Vec<String>,
}

impl Document {
    /// A document without a name.
    pub fn new(parts: impl IntoIterator<Item = Part>) -> Self {
        Self {
            id: None,
            parts: parts.into_iter().collect(),
        }
    }

    /// Reads one document from JSON, on one line or several.
    ///
    /// # Errors
    /// [`Error::Json`] with the line inside `text`; an unknown key is named with those allowed.
    pub fn from_json(text: &str) -> Result<Self> {
        crate::json::parse(text.as_bytes(), "document", 1)
    }

    /// Whether it is a picture or film with a text behind it, and nothing else.
    pub fn is_pair(&self) -> bool {
        matches!(
            self.parts[..],
            [Part::Image(_) | Part::Video(_), Part::Text(_)]
        )
    }

    /// The media in order: the index of the part, its kind, and where it lies.
    pub fn media(&self) -> impl Iterator<Item = (usize, MediaKind, &str)> {
        self.parts
            .iter()
            .enumerate()
            .filter_map(|(index, part)| match part {
                Part::Image(place) => Some((index, MediaKind::Image, place.as_str())),
                Part::Video(place) => Some((index, MediaKind::Video, place.as_str())),
                Part::Text(_) | Part::End | Part::Token(_) => None,
            })
    }

    /// The shots, then the query, as one document with the query's name.
    ///
    /// Each shot is a finished chunk (paper, appendix A.2: it ends in `<EOC>`): one that does
    /// not say so itself gets a [`Part::End`]. The query is left as it is.
    pub fn concat(shots: &[Document], query: &Document) -> Document {
        let mut parts = Vec::new();
        for shot in shots {
            parts.extend_from_slice(&shot.parts);
            if shot.parts.last().is_some_and(|part| *part != Part::End) {
                parts.push(Part::End);
            }
        }
        parts.extend_from_slice(&query.parts);
        Document {
            id: query.id.clone(),
            parts,
        }
    }

    /// What JSON refuses is refused here too, for documents made in code.
    ///
    /// # Errors
    /// [`Error::Empty`] without parts, [`Error::Part`] for an empty one.
    pub fn check(&self) -> Result<()> {
        if self.parts.is_empty() {
            return Err(Error::Empty);
        }
        let parts = self.parts.len();
        for (index, part) in self.parts.iter().enumerate() {
            part.check().map_err(|problem| Error::Part {
                part: index + 1,
                parts,
                problem,
            })?;
        }
        Ok(())
    }
}

impl Part {
    fn check(&self) -> std::result::Result<(), String> {
        let (key, value) = match self {
            Part::Text(text) => ("text", text),
            Part::Image(place) => ("image", place),
            Part::Video(place) => ("video", place),
            Part::Token(spelling) => ("token", spelling),
            Part::End => return Ok(()),
        };
        if value.is_empty() {
            return Err(format!("`{key}` is empty: fill it or leave the part out"));
        }
        Ok(())
    }
}

/// A document as its JSON spells it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `parts`")]
struct RawDocument {
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text_or_integer"
    )]
    id: Option<String>,
    parts: Vec<RawPart>,
}

/// A line of a file to score. Not flattened: serde would then let unknown keys pass.
#[derive(Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with `parts` and `candidates`"
)]
struct RawCandidates {
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text_or_integer"
    )]
    id: Option<String>,
    parts: Vec<RawPart>,
    candidates: Vec<String>,
}

/// An id that was written as a whole number is that number's digits.
fn text_or_integer<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<String>, D::Error> {
    struct Id;

    impl<'de> Visitor<'de> for Id {
        type Value = Option<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string or a whole number")
        }

        fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
            Ok(Some(text.to_owned()))
        }

        fn visit_i64<E>(self, number: i64) -> std::result::Result<Self::Value, E> {
            Ok(Some(number.to_string()))
        }

        fn visit_u64<E>(self, number: u64) -> std::result::Result<Self::Value, E> {
            Ok(Some(number.to_string()))
        }

        fn visit_unit<E>(self) -> std::result::Result<Self::Value, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(Id)
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPart {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    video: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl TryFrom<RawPart> for Part {
    type Error = String;

    fn try_from(raw: RawPart) -> std::result::Result<Self, String> {
        let part = match (raw.image, raw.video, raw.text, raw.end, raw.token) {
            (Some(place), None, None, None, None) => Part::Image(place),
            (None, Some(place), None, None, None) => Part::Video(place),
            (None, None, Some(text), None, None) => Part::Text(text),
            (None, None, None, Some(true), None) => Part::End,
            (None, None, None, None, Some(spelling)) => Part::Token(spelling),
            (None, None, None, Some(false), None) => {
                return Err("`end` is false: write {\"end\": true} or leave the part out".into());
            }
            (image, video, text, end, token) => {
                let keys = [
                    ("image", image.is_some()),
                    ("video", video.is_some()),
                    ("text", text.is_some()),
                    ("end", end.is_some()),
                    ("token", token.is_some()),
                ];
                return Err(not_one_key(&keys));
            }
        };
        part.check().map(|()| part)
    }
}

fn not_one_key(keys: &[(&str, bool)]) -> String {
    let given: Vec<String> = keys
        .iter()
        .filter(|(_, given)| *given)
        .map(|(key, _)| format!("`{key}`"))
        .collect();
    let allowed = "exactly one of `image`, `video`, `text`, `end`, `token`";
    if given.is_empty() {
        return format!("a part without a key: it needs {allowed}");
    }
    format!(
        "a part with {} keys ({}): it needs {allowed}; write one part for each",
        given.len(),
        given.join(", ")
    )
}

impl TryFrom<RawDocument> for Document {
    type Error = Error;

    fn try_from(raw: RawDocument) -> Result<Self> {
        if raw.parts.is_empty() {
            return Err(Error::Empty);
        }
        let count = raw.parts.len();
        let parts = raw.parts.into_iter().enumerate().map(|(index, part)| {
            Part::try_from(part).map_err(|problem| Error::Part {
                part: index + 1,
                parts: count,
                problem,
            })
        });
        Ok(Document {
            id: raw.id,
            parts: parts.collect::<Result<_>>()?,
        })
    }
}

impl TryFrom<RawCandidates> for Candidates {
    type Error = Error;

    fn try_from(raw: RawCandidates) -> Result<Self> {
        let (count, candidates) = (raw.candidates.len(), raw.candidates);
        if count == 0 {
            let message = "`candidates` is empty: give at least one answer to score";
            return Err(Error::Candidates(message.into()));
        }
        if let Some(index) = candidates.iter().position(String::is_empty) {
            let message = format!("candidate {} of {count} is empty: fill it", index + 1);
            return Err(Error::Candidates(message));
        }
        let document = Document::try_from(RawDocument {
            id: raw.id,
            parts: raw.parts,
        })?;
        Ok(Candidates {
            document,
            candidates,
        })
    }
}

impl From<Part> for RawPart {
    fn from(part: Part) -> Self {
        let mut raw = RawPart::default();
        match part {
            Part::Text(text) => raw.text = Some(text),
            Part::Image(place) => raw.image = Some(place),
            Part::Video(place) => raw.video = Some(place),
            Part::End => raw.end = Some(true),
            Part::Token(spelling) => raw.token = Some(spelling),
        }
        raw
    }
}

impl From<Document> for RawDocument {
    fn from(document: Document) -> Self {
        RawDocument {
            id: document.id,
            parts: document.parts.into_iter().map(RawPart::from).collect(),
        }
    }
}

impl From<Candidates> for RawCandidates {
    fn from(line: Candidates) -> Self {
        let RawDocument { id, parts } = line.document.into();
        RawCandidates {
            id,
            parts,
            candidates: line.candidates,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn error(json: &str) -> String {
        Document::from_json(json).unwrap_err().to_string()
    }

    #[test]
    fn a_document_is_read_and_written_as_it_was() {
        let json = r#"{"id":"7","parts":[{"image":"cat.jpg"},{"text":"Output: a cat"},{"end":true},{"video":"pig"}]}"#;
        let document = Document::from_json(json).unwrap();
        assert_eq!(document.id.as_deref(), Some("7"));
        assert_eq!(document.parts[2], Part::End);
        let media: Vec<_> = document.media().collect();
        let expected = [
            (0, MediaKind::Image, "cat.jpg"),
            (3, MediaKind::Video, "pig"),
        ];
        assert_eq!(media, expected);
        assert_eq!(serde_json::to_string(&document).unwrap(), json);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_those_allowed() {
        let message = error("{\n \"parts\": [\n  {\"image\": \"a\"},\n  {\"imgae\": \"b\"}]}");
        let expected = "document:4: unknown field `imgae`, expected one of `image`, `video`, `text`, `end`, `token`";
        assert_eq!(message, expected);
        let message = error(r#"{"parts": [{"end": true}], "shots": 3}"#);
        assert!(message.contains("`shots`"), "{message}");
        assert!(message.contains("`id` or `parts`"), "{message}");
    }

    #[test]
    fn an_id_may_be_a_whole_number() {
        let id = |id: &str| {
            let json = format!(r#"{{"id": {id}, "parts": [{{"end": true}}]}}"#);
            Document::from_json(&json).map(|document| document.id)
        };
        assert_eq!(id("7").unwrap().as_deref(), Some("7"));
        assert_eq!(id("-7").unwrap().as_deref(), Some("-7"));
        assert_eq!(
            id("18446744073709551615").unwrap().as_deref(),
            Some("18446744073709551615")
        );
        assert_eq!(id("null").unwrap(), None);
        for wrong in ["0.5", "true", "[7]"] {
            let message = id(wrong).unwrap_err().to_string();
            assert!(message.contains("a string or a whole number"), "{message}");
        }
        let json = r#"{"id": 7, "parts": [{"end": true}], "candidates": ["a"]}"#;
        let line: Candidates = serde_json::from_str(json).unwrap();
        assert_eq!(line.document.id.as_deref(), Some("7"));
    }

    #[test]
    fn a_part_needs_exactly_one_key() {
        let message = error(r#"{"parts": [{"end": true}, {"image": "a", "text": "b"}]}"#);
        let expected = "part 2 of 2: a part with 2 keys (`image`, `text`): it needs exactly one of";
        assert!(message.contains(expected), "{message}");
        for json in [r#"{"parts": [{}]}"#, r#"{"parts": [{"text": null}]}"#] {
            let message = error(json);
            assert!(
                message.contains("part 1 of 1: a part without a key"),
                "{message}"
            );
        }
    }

    #[test]
    fn parts_that_say_nothing_are_refused() {
        let message = error(r#"{"parts": [{"end": false}]}"#);
        assert!(message.contains("`end` is false"), "{message}");
        for key in ["text", "image", "video"] {
            let message = error(&format!("{{\"parts\": [{{\"{key}\": \"\"}}]}}"));
            assert!(message.contains(&format!("`{key}` is empty")), "{message}");
        }
        let message = error(r#"{"parts": []}"#);
        let expected = "document:1: the prompt is empty: give at least one part";
        assert_eq!(message, expected);
        assert!(error("{}").contains("missing field `parts`"));
    }

    #[test]
    fn a_line_to_score_has_candidates_and_no_unknown_key() {
        let parse = |json: &str| serde_json::from_str::<Candidates>(json);
        let json = r#"{"id":"a","parts":[{"text":"b"}],"candidates":["c","d"]}"#;
        let line = parse(json).unwrap();
        assert_eq!(line.candidates, ["c", "d"]);
        assert_eq!(serde_json::to_string(&line).unwrap(), json);
        for (json, says) in [
            (
                r#"{"parts":[{"end":true}],"candidates":[]}"#,
                "at least one",
            ),
            (
                r#"{"parts":[{"end":true}],"candidates":["a",""]}"#,
                "candidate 2 of 2",
            ),
            (r#"{"parts":[{"end":true}]}"#, "`candidates`"),
            (r#"{"parts":[],"candidates":["a"]}"#, "is empty"),
            (
                r#"{"parts":[{"end":true}],"candidates":["a"],"best":1}"#,
                "`best`",
            ),
        ] {
            let message = parse(json).unwrap_err().to_string();
            assert!(message.contains(says), "{message}");
        }
    }

    #[test]
    fn shots_are_ended_and_put_before_the_query() {
        let text = |text: &str| Part::Text(text.into());
        let shots = [
            Document::new([text("a")]),
            Document::new([text("b"), Part::End]),
            Document::default(),
        ];
        let query = Document {
            id: Some("q".into()),
            parts: vec![text("c")],
        };
        let whole = Document::concat(&shots, &query);
        assert_eq!(whole.id.as_deref(), Some("q"));
        let expected = [text("a"), Part::End, text("b"), Part::End, text("c")];
        assert_eq!(whole.parts, expected);
    }

    fn any_part() -> impl Strategy<Value = Part> {
        prop_oneof![
            "\\PC{1,5}".prop_map(Part::Text),
            "\\PC{1,5}".prop_map(Part::Image),
            "\\PC{1,5}".prop_map(Part::Video),
            Just(Part::End),
        ]
    }

    proptest! {
        #[test]
        fn every_document_survives_its_json(
            id in prop::option::of("\\PC{0,3}"),
            parts in prop::collection::vec(any_part(), 1..7),
        ) {
            let document = Document { id, parts };
            let json = serde_json::to_string(&document).unwrap();
            prop_assert!(!json.contains('\n'));
            prop_assert_eq!(Document::from_json(&json).unwrap(), document);
        }
    }
}
