//! One document on its way out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flamingo_page::{Page, Part};
use serde::{Deserialize, Serialize};

/// A document on its way out: what is left of a page, and the files of its pictures and films.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Its name, unique in the corpus.
    pub id: String,
    /// What is kept of the page, in order.
    pub page: Page,
    /// For each part of the page, the file of its picture or film, where there is one.
    pub media: Vec<Option<Medium>>,
}

/// The file of a picture or film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Medium {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its usual extension, which tells its format: `jpg`, `png`, `gif`, `mp4`, ...
    pub extension: String,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

impl Medium {
    /// The file itself in a URL.
    pub(super) fn data_url(&self) -> String {
        let kind = match self.extension.as_str() {
            "jpg" => "image/jpeg",
            "png" => "image/png",
            "webp" => "image/webp",
            "gif" => "image/gif",
            _ => "application/octet-stream",
        };
        format!("data:{kind};base64,{}", STANDARD.encode(&self.bytes))
    }
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is in the file.
    Written,
    /// Left out: it has nothing to say or show that this format holds.
    Empty,
    /// Left out of pairs: none of its pictures or films has a file.
    NoMedium,
    /// Left out of pairs: it has no text.
    NoText,
}

impl Record {
    /// The parts, each with its file.
    pub fn parts(&self) -> impl Iterator<Item = (&Part, Option<&Medium>)> {
        let media = self.media.iter().map(Option::as_ref);
        self.page
            .parts
            .iter()
            .zip(media.chain(std::iter::repeat(None)))
    }
}
