//! Image-text pairs out of pages: the alternative texts and captions that say something about
//! their image (the paper's LTIP; the rules are those that ALIGN, Conceptual Captions and LAION
//! publish, since LTIP's are not).
//!
//! [`pairs`] gives every candidate with all the reasons against it; a pair is one without reasons.

mod boilerplate;
mod caption;
mod config;
mod reason;
mod source;

use flamingo_page::{Image, Page, Part};
use serde::{Deserialize, Serialize};

use crate::measures::Lexicon;

pub use caption::text_key;
pub(crate) use caption::{Caption, squeeze};
pub use config::{CaptionConfig, PairConfig, PairText};
pub use reason::PairReason;
pub use source::PairSource;

/// An image or a film with a text that may be its pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its index in [`Page::parts`].
    pub part: usize,
    /// Where the text is from; none if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<PairSource>,
    /// The text, whitespace squeezed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// [`text_key`] of the text: by it a run counts how many images share it.
    pub key: i64,
    /// All reasons against it; a pair has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<PairReason>,
}

/// What is known about an image that is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageSize {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// What the run knows beside the page.
pub trait Knowledge {
    /// The size of the image that is part `part`; none if it is not there, and then it is no
    /// candidate.
    fn image(&self, part: usize) -> Option<ImageSize>;

    /// How many images of the run have a text of this [`text_key`]; 0 where it is not counted.
    fn images_with_text(&self, key: i64) -> u64;
}

/// The candidates of a page whose images are there, in its order. `language` is the page's, for
/// texts too short to tell theirs.
pub fn pairs(
    page: &Page,
    language: Option<&str>,
    config: &PairConfig,
    lexicon: &Lexicon,
    knowledge: &impl Knowledge,
) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (part, image) in images(page) {
        let Some(size) = knowledge.image(part) else {
            continue;
        };
        let mut of_image: Vec<Candidate> = texts(image, config.text)
            .into_iter()
            .map(|(source, text)| {
                let mut candidate = Candidate::new(part, source, text);
                let caption = Caption::new(&candidate.text, language, lexicon);
                candidate.reasons = caption.reasons(&config.caption, &[&image.url]);
                let images = knowledge.images_with_text(candidate.key);
                candidate.reasons.extend(against_image(size, config));
                candidate.reasons.extend(against_frequency(images, config));
                candidate.reasons.sort_unstable();
                candidate
            })
            .collect();
        if of_image.is_empty() {
            of_image.push(Candidate::without_text(part, PairReason::NoText));
        }
        candidates.extend(chosen(of_image, config.text));
    }
    candidates
}

/// The [`text_key`]s of all texts in a page that could be in a pair, one for each image and text,
/// whichever texts are asked for: what a run counts over all pages before it makes pairs.
pub fn text_keys(page: &Page) -> Vec<i64> {
    let of_image = |(_, image)| texts(image, PairText::Both);
    let texts = images(page).flat_map(of_image);
    texts.map(|(_, text)| text_key(&text)).collect()
}

fn images(page: &Page) -> impl Iterator<Item = (usize, &Image)> {
    page.parts
        .iter()
        .enumerate()
        .filter_map(|(at, part)| match part {
            Part::Image(image) => Some((at, image)),
            _ => None,
        })
}

/// The texts of an image that the configuration asks for, the preferred first, none twice.
fn texts(image: &Image, wanted: PairText) -> Vec<(PairSource, String)> {
    let mut texts: Vec<(PairSource, String)> = Vec::new();
    for &source in wanted.sources() {
        let text = squeeze(match source {
            PairSource::Alt => &image.alt,
            _ => &image.caption,
        });
        let twice = texts
            .iter()
            .any(|(_, other)| text_key(other) == text_key(&text));
        if !text.is_empty() && !twice {
            texts.push((source, text));
        }
    }
    texts
}

impl Candidate {
    pub(crate) fn new(part: usize, source: PairSource, text: String) -> Self {
        Self {
            part,
            source: Some(source),
            key: text_key(&text),
            text,
            reasons: Vec::new(),
        }
    }

    /// One that has no text, or none that can be read.
    pub(crate) fn without_text(part: usize, reason: PairReason) -> Self {
        Self {
            part,
            source: None,
            text: String::new(),
            key: text_key(""),
            reasons: vec![reason],
        }
    }
}

/// Where one text an image is wanted: the first without reasons, else the first.
fn chosen(mut candidates: Vec<Candidate>, wanted: PairText) -> Vec<Candidate> {
    if wanted != PairText::Both {
        let good = candidates.iter().position(|one| one.reasons.is_empty());
        candidates.swap(0, good.unwrap_or(0));
        candidates.truncate(1);
    }
    candidates
}

fn against_image(size: ImageSize, config: &PairConfig) -> Vec<PairReason> {
    let (short, long) = (size.width.min(size.height), size.width.max(size.height));
    let ratio = f64::from(long) / f64::from(short.max(1));
    let small = config
        .min_side
        .is_some_and(|least| f64::from(short) < least);
    let narrow = config.max_aspect.is_some_and(|most| ratio > most);
    let reasons = [
        (small, PairReason::SmallImage),
        (narrow, PairReason::AspectRatio),
    ];
    let given = reasons.into_iter().filter(|(is, _)| *is);
    given.map(|(_, reason)| reason).collect()
}

fn against_frequency(images: u64, config: &PairConfig) -> Option<PairReason> {
    let most = config.max_images_with_text;
    let frequent = most.is_some_and(|most| images as f64 > most);
    frequent.then_some(PairReason::FrequentText)
}

#[cfg(test)]
mod tests;
