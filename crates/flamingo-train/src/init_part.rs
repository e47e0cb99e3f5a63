//! A finished part that a Flamingo is built of, as a recipe names it.

use std::fmt;
use std::path::PathBuf;

use flamingo_weights::Part;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// A finished part: what is at a path, or a file that others have published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum InitPart {
    /// A model directory or a published model. The finished model holds a copy of it.
    Path(PathBuf),
    /// A file elsewhere, from the cache. The finished model names it and does not hold it.
    File(Part),
}

impl<'de> Deserialize<'de> for InitPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// By hand, for messages that say what is wrong with a part.
struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = InitPart;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path, or a table of `file`, `sha256`, `bytes`, `licence` and `from`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<InitPart, E> {
        Ok(InitPart::Path(PathBuf::from(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<InitPart, A::Error> {
        Part::deserialize(MapAccessDeserializer::new(map)).map(InitPart::File)
    }
}
