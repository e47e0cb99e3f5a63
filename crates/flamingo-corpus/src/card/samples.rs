//! Documents that a card shows, with small pictures: those of the smallest hashes, so always the same.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flamingo_crawl::read_at;
use flamingo_page::{Image, Kind, Page, Part};
use serde::{Deserialize, Serialize};

use crate::build::{Sample, decisions, place};
use crate::config::Config;
use crate::error::Result;
use crate::folder::{self, Folder, UnitTable};
use crate::images::{Encoding, ImagesConfig, Reencode, reencode};
use crate::summary::Summary;
use crate::tables::{DecisionRow, PageRow, PlacedImageRow, Rows};

/// Pixels of a thumbnail's longer side.
const SIDE: u32 = 320;
/// Pictures of a sample.
const PICTURES: usize = 4;
/// Characters of a sample's texts.
const CHARACTERS: usize = 1400;

/// A document that a card shows, from its start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShownSample {
    /// Where it was found.
    pub url: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its parts.
    pub parts: Vec<ShownPart>,
    /// Whether there is more of it.
    pub is_cut: bool,
}

/// A part of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ShownPart {
    /// A text.
    Text {
        /// What it says.
        text: String,
        /// What it is.
        kind: Kind,
    },
    /// A picture.
    Image {
        /// The URL it was found at.
        image: String,
        /// Its alternative text or caption.
        alt: String,
        /// The thumbnail, in the page only.
        #[serde(skip)]
        thumbnail: Vec<u8>,
    },
}

pub(super) fn read(
    config: &Config,
    folder: &Folder,
    summary: &Summary,
) -> Result<Vec<ShownSample>> {
    let shown = summary
        .samples
        .iter()
        .map(|sample| shown(config, folder, *sample));
    Ok(shown
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect())
}

fn shown(config: &Config, folder: &Folder, sample: Sample) -> Result<Option<ShownSample>> {
    let document = sample.document;
    let unit = (document >> 32) as u32;
    let range = document..document + 1;
    let pages = UnitTable::Pages.of(unit);
    let mut pages = Rows::<PageRow>::open_documents(folder, &pages, range.clone())?;
    let mut made = Rows::<DecisionRow>::open_documents(folder, &decisions(unit), range.clone())?;
    let page = pages.find(|row| row.as_ref().map_or(true, |row| row.document == document));
    let decision = made.find(|row| row.as_ref().map_or(true, |row| row.document == document));
    let (Some(row), Some(decision)) = (page.transpose()?, decision.transpose()?) else {
        return Ok(None);
    };
    let Ok(page) = serde_json::from_str::<Page>(&row.page) else {
        return Ok(None);
    };
    let images: Vec<PlacedImageRow> = Rows::open_documents(folder, folder::IMAGES, range)?
        .filter(|row: &Result<PlacedImageRow>| {
            row.as_ref().map_or(true, |row| row.document == document)
        })
        .map(|row| {
            row.map(|row| PlacedImageRow {
                file: folder.locate(&row.file),
                ..row
            })
        })
        .collect::<Result<_>>()?;
    Ok(Some(cut(config, &page, &decision, &images)))
}

/// The beginning of a document: what is left of its page, up to so many characters and pictures.
fn cut(
    config: &Config,
    page: &Page,
    decision: &DecisionRow,
    images: &[PlacedImageRow],
) -> ShownSample {
    let mut sample = ShownSample {
        url: page.url.clone(),
        title: page.title.clone(),
        ..ShownSample::default()
    };
    let (mut characters, mut pictures) = (0, 0);
    for (position, part) in page.parts.iter().enumerate() {
        if !is_kept(position, decision) {
            continue;
        }
        if characters >= CHARACTERS {
            sample.is_cut = true;
            break;
        }
        match part {
            Part::Text(text) => {
                let left = CHARACTERS - characters;
                characters += text.text.chars().count();
                sample.parts.push(ShownPart::Text {
                    text: shortened(&text.text, left).into_owned(),
                    kind: text.kind,
                });
            }
            Part::Image(image) if pictures < PICTURES => {
                pictures += 1;
                let found = images.iter().find(|row| row.position == position as i32);
                sample.parts.push(picture(config, image, found));
            }
            Part::Image(_) | Part::Video(_) => {}
        }
    }
    sample
}

fn is_kept(position: usize, decision: &DecisionRow) -> bool {
    let position = position as i32;
    let mut paragraphs = decision.paragraphs.iter();
    let mut images = decision.images.iter();
    !paragraphs.any(|dropped| dropped.position == position)
        && !images.any(|image| image.position == position && image.reason.is_some())
}

fn shortened(text: &str, characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters) {
        Some((end, _)) => Cow::Owned(format!("{}\u{2026}", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

fn picture(config: &Config, image: &Image, found: Option<&PlacedImageRow>) -> ShownPart {
    let alt = if image.caption.is_empty() {
        &image.alt
    } else {
        &image.caption
    };
    ShownPart::Image {
        image: found.map_or_else(|| image.url.clone(), |found| found.url.clone()),
        alt: alt.clone(),
        thumbnail: found
            .and_then(|found| thumbnail(config, found))
            .unwrap_or_default(),
    }
}

fn thumbnail(config: &Config, found: &PlacedImageRow) -> Option<Vec<u8>> {
    let answer = read_at(&place(found), &config.read_options()).ok()??;
    let small = ImagesConfig {
        reencode: Some(Reencode {
            max_side: SIDE,
            format: Encoding::Jpeg,
            quality: 80,
        }),
        ..config.images.clone()
    };
    let written = reencode(&answer.body, &small).ok()?;
    Some(written.bytes.into_owned())
}

/// A picture as a URL that holds its bytes.
pub(super) fn data_url(jpeg: &[u8]) -> String {
    format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg))
}
