//! What is left of a web page: its main content in reading order.
//!
//! ```json
//! {"url": "https://a.example/b.html", "title": "A cat", "language": "en", "parts": [
//!   {"text": "This is a cat.", "kind": "p"},
//!   {"image": "https://a.example/cat.jpg", "alt": "a cat", "caption": "Our cat", "width": 640}]}
//! ```

use serde::{Deserialize, Serialize};

/// The main content of a page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Where the page was found.
    pub url: String,
    /// Its title, without the site's name where that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The language of its text (ISO 639-1), where there is enough text to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Texts, images and films in reading order.
    pub parts: Vec<Part>,
}

/// One part of a [`Page`]; its JSON is known by its key `text`, `image` or `video`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Part {
    /// A block of text.
    Text(Text),
    /// A picture.
    Image(Image),
    /// A film.
    Video(Video),
}

/// A block of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// What it says; whitespace is squeezed but in [`Kind::Code`].
    pub text: String,
    /// What it is.
    #[serde(default)]
    pub kind: Kind,
}

/// What a block of text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A paragraph.
    #[default]
    #[serde(rename = "p")]
    Paragraph,
    /// A heading of any level.
    Heading,
    /// An item of a list.
    #[serde(rename = "li")]
    Item,
    /// A term of a list of definitions.
    #[serde(rename = "dt")]
    Term,
    /// A definition in such a list.
    #[serde(rename = "dd")]
    Definition,
    /// A row of a table.
    #[serde(rename = "tr")]
    Row,
    /// The caption of a figure or table.
    Caption,
    /// A quotation.
    Quote,
    /// Preformatted text, line breaks and indents kept.
    Code,
}

/// A picture at its place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its absolute URL: of the candidates that the page offers, the largest.
    #[serde(rename = "image")]
    pub url: String,
    /// Absolute URLs of the same picture in other sizes or formats, the next best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The text that stands for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alt: String,
    /// The caption of its figure, or its `title`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caption: String,
    /// Its width in CSS pixels, where the page says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Its height in CSS pixels, where the page says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// A film at its place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Video {
    /// Its absolute URL.
    #[serde(rename = "video")]
    pub url: String,
    /// Absolute URLs of the same film in other formats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Absolute URL of the picture that stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster: Option<String>,
    /// The caption of its figure, or its `title` or label.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caption: String,
}
