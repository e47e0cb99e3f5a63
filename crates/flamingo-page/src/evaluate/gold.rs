//! Three forms in which the right content of pages is told.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use super::Document;
use crate::{Error, Result, image_urls};

/// What the readers of reader-mode tests take for the page's address.
const READER_URL: &str = "http://fakehost/test/page.html";

/// The right content of pages, by their names.
#[derive(Clone, Debug, PartialEq)]
pub struct Gold {
    /// What a page's name is.
    pub key: Key,
    /// Whether its texts hold the captions of pictures.
    pub captions: Captions,
    /// What is expected of each page.
    pub pages: BTreeMap<String, Expected>,
}

/// What becomes of the captions in documents when texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Captions {
    /// They are text as any other.
    Counted,
    /// They are not compared: the gold has the running text only.
    LeftOut,
}

/// What names a page in a [`Gold`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The name of its file or folder.
    Id,
    /// Its URL.
    Url,
}

/// What is expected of a page; what a gold says nothing about is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// Its text.
    pub text: Option<String>,
    /// Its images in reading order.
    pub images: Option<Vec<ExpectedImage>>,
}

/// An expected image: any of its URLs will do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedImage {
    /// The URLs of the picture in all its sizes and formats.
    pub urls: Vec<String>,
}

impl Key {
    /// The name that a document has in the gold; a path to a page is known by its first folder or its stem.
    pub(super) fn of(self, document: &Document) -> Option<&str> {
        match self {
            Self::Url => Some(&document.page.url),
            Self::Id => {
                let id = document.id.as_deref()?;
                let first = id
                    .split('/')
                    .find(|part| !part.is_empty() && *part != "html")?;
                let stem = first.strip_suffix(".gz").unwrap_or(first);
                Some(stem.strip_suffix(".html").unwrap_or(stem))
            }
        }
    }
}

impl Gold {
    /// Reads a gold: `ground-truth.json` or the folder that holds it, a JSONL of interleaved documents,
    /// or a folder with an `expected.html` in a folder for each page.
    ///
    /// # Errors
    ///
    /// Where the file can't be read or has none of these forms.
    pub fn open(path: &Path) -> Result<Self> {
        let articles = path.join("ground-truth.json");
        if articles.is_file() {
            return Self::articles(&articles);
        }
        if path.is_dir() {
            return Self::reader_mode(path);
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl") => Self::documents(path),
            _ => Self::articles(path),
        }
    }

    /// `{"id": {"articleBody": text}}`
    fn articles(path: &Path) -> Result<Self> {
        let articles: BTreeMap<String, Article> =
            serde_json::from_str(&text(path)?).map_err(|source| Error::Gold {
                path: path.into(),
                line: source.line(),
                source,
            })?;
        let expected = |article: Article| Expected {
            text: Some(article.body),
            images: None,
        };
        let pages = articles
            .into_iter()
            .map(|(id, article)| (id, expected(article)));
        Ok(Self {
            key: Key::Id,
            captions: Captions::LeftOut,
            pages: pages.collect(),
        })
    }

    /// A line a page: `{"url": .., "items": [{"text": ..}, {"image": .., "also": [..]}]}`
    fn documents(path: &Path) -> Result<Self> {
        let mut pages = BTreeMap::new();
        for (index, line) in text(path)?
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let document: Interleaved =
                serde_json::from_str(line).map_err(|source| Error::Gold {
                    path: path.into(),
                    line: index + 1,
                    source,
                })?;
            pages.insert(document.url, expected_of(document.items));
        }
        Ok(Self {
            key: Key::Url,
            captions: Captions::Counted,
            pages,
        })
    }

    /// A folder a page, with the page's reader mode in it.
    fn reader_mode(path: &Path) -> Result<Self> {
        let mut pages = BTreeMap::new();
        for entry in fs::read_dir(path).map_err(|source| Error::io(path, source))? {
            let folder = entry.map_err(|source| Error::io(path, source))?;
            let Some(file) = expected_file(&folder.path()) else {
                continue;
            };
            let images = image_urls(&bytes(&file)?, READER_URL);
            let images = images
                .into_iter()
                .map(|urls| ExpectedImage { urls })
                .collect();
            let name = folder.file_name().to_string_lossy().into_owned();
            pages.insert(
                name,
                Expected {
                    text: None,
                    images: Some(images),
                },
            );
        }
        if pages.is_empty() {
            return Err(Error::NoGold { path: path.into() });
        }
        Ok(Self {
            key: Key::Id,
            captions: Captions::Counted,
            pages,
        })
    }
}

/// Reads documents, a line each.
///
/// # Errors
///
/// Where the file can't be read or a line is no document.
pub fn documents(path: &Path) -> Result<Vec<Document>> {
    let file = File::open(path).map_err(|source| Error::io(path, source))?;
    let lines = BufReader::new(file).lines().enumerate();
    let mut documents = Vec::new();
    for (index, line) in lines {
        let line = line.map_err(|source| Error::io(path, source))?;
        if !line.trim().is_empty() {
            documents.push(serde_json::from_str(&line).map_err(|source| Error::Gold {
                path: path.into(),
                line: index + 1,
                source,
            })?);
        }
    }
    Ok(documents)
}

#[derive(Deserialize)]
struct Article {
    #[serde(rename = "articleBody", default)]
    body: String,
}

#[derive(Deserialize)]
struct Interleaved {
    url: String,
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Item {
    Image {
        image: String,
        #[serde(default)]
        also: Vec<String>,
    },
    Text {
        text: String,
    },
}

fn expected_of(items: Vec<Item>) -> Expected {
    let (mut texts, mut images) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::Text { text } => texts.push(text),
            Item::Image { image, also } => {
                let urls = std::iter::once(image).chain(also).collect();
                images.push(ExpectedImage { urls });
            }
        }
    }
    Expected {
        text: Some(texts.join("\n")),
        images: Some(images),
    }
}

fn expected_file(folder: &Path) -> Option<PathBuf> {
    let names = ["expected.html", "expected.html.gz"];
    names
        .iter()
        .map(|name| folder.join(name))
        .find(|file| file.is_file())
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|source| Error::io(path, source))
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let stored = fs::read(path).map_err(|source| Error::io(path, source))?;
    if !stored.starts_with(&[0x1f, 0x8b]) {
        return Ok(stored);
    }
    let mut bytes = Vec::new();
    let mut decoder = MultiGzDecoder::new(stored.as_slice());
    decoder
        .read_to_end(&mut bytes)
        .map_err(|source| Error::io(path, source))?;
    Ok(bytes)
}
