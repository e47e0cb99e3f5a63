//! Which pictures of a document are taken, from numbers that are stored.

use std::collections::BTreeSet;

use flamingo_image::Format;
use serde::{Deserialize, Serialize};

use super::config::{Animated, ImagesConfig};
use super::{EvaluationIndex, Reason, UrlWords};

/// One picture at its place in a document.
#[derive(Clone, Debug, Default)]
pub struct Candidate<'a> {
    /// Its absolute URL.
    pub url: &'a str,
    /// The width that the page gives it.
    pub declared_width: Option<u32>,
    /// The height that the page gives it.
    pub declared_height: Option<u32>,
    /// What [`inspect`](super::inspect) refused it for.
    pub refused: Option<Reason>,
    /// Its format.
    pub format: Option<Format>,
    /// Its width.
    pub width: Option<u32>,
    /// Its height.
    pub height: Option<u32>,
    /// The size of its file.
    pub bytes: u64,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: Option<&'a str>,
    /// Its perceptual hash.
    pub perceptual: Option<u64>,
    /// Whether it is of one colour.
    pub single_colour: Option<bool>,
    /// Documents that show this URL; 0 if not counted.
    pub url_documents: u64,
    /// Documents that show these bytes; 0 if not counted.
    pub content_documents: u64,
    /// Documents that show a picture of this perceptual hash; 0 if not counted.
    pub perceptual_documents: u64,
}

/// Why a document is not taken for its number of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// Fewer than [`ImagesConfig::min_images`] are left.
    TooFewImages,
    /// More than [`ImagesConfig::max_images`] are left.
    TooManyImages,
}

/// The rules of a configuration, ready to be asked.
#[derive(Clone, Debug)]
pub struct Rules {
    config: ImagesConfig,
    words: UrlWords,
}

impl Rules {
    /// The rules of `config`.
    pub fn new(config: &ImagesConfig) -> Self {
        Self {
            config: config.clone(),
            words: UrlWords::new(&config.url_words),
        }
    }

    /// For each picture of a document, in order: why it is not taken.
    pub fn pictures(
        &self,
        candidates: &[Candidate],
        evaluation: Option<&EvaluationIndex>,
    ) -> Vec<Option<Reason>> {
        let mut seen = BTreeSet::new();
        let decide = |candidate: &Candidate| {
            let reason = self.picture(candidate).or_else(|| {
                let (sha256, look) = (candidate.sha256?, candidate.perceptual);
                let known = evaluation?.matches(sha256, look).is_some();
                known.then_some(Reason::EvaluationSet)
            });
            let key = candidate.sha256.unwrap_or(candidate.url).to_owned();
            let repeated = reason.is_none() && !seen.insert(key);
            let drop = repeated && self.config.drop_repeated;
            reason.or(drop.then_some(Reason::RepeatedInDocument))
        };
        candidates.iter().map(decide).collect()
    }

    /// Why a document is not taken that has so many pictures left.
    pub fn count(&self, pictures: usize) -> Option<Count> {
        let config = &self.config;
        if pictures < config.min_images as usize {
            return Some(Count::TooFewImages);
        }
        let too_many = config.max_images > 0 && pictures > config.max_images as usize;
        too_many.then_some(Count::TooManyImages)
    }

    /// Why a picture is not taken, whatever else its document shows.
    pub fn picture(&self, candidate: &Candidate) -> Option<Reason> {
        self.page(
            candidate.url,
            candidate.declared_width,
            candidate.declared_height,
        )
        .or_else(|| self.bytes(candidate))
        .or_else(|| self.counts(candidate))
    }

    /// Why a picture is not taken for what its page says of it; its bytes are not needed yet.
    pub fn page(&self, url: &str, width: Option<u32>, height: Option<u32>) -> Option<Reason> {
        const TRACKING: u32 = 2;
        let sides = [width, height];
        if sides
            .iter()
            .all(|side| side.is_some_and(|side| side <= TRACKING))
        {
            return Some(Reason::TrackingPixel);
        }
        let min = self.config.min_declared_side;
        // A side of 0 is no statement but a slip, or a layout's placeholder.
        let small = sides.iter().flatten().any(|&side| side > 0 && side < min);
        if small {
            return Some(Reason::DeclaredTooSmall);
        }
        self.words.find(url).map(|_| Reason::UrlWord)
    }

    /// Why a picture is not taken for what [`inspect`](super::inspect) found.
    fn bytes(&self, candidate: &Candidate) -> Option<Reason> {
        let config = &self.config;
        if let Some(reason @ (Reason::NotAnImage | Reason::Truncated | Reason::Undecodable)) =
            candidate.refused
        {
            return Some(reason);
        }
        if candidate
            .format
            .is_none_or(|format| !config.formats.contains(&format))
        {
            return Some(Reason::UnsupportedFormat);
        }
        if config.max_bytes > 0 && candidate.bytes > config.max_bytes {
            return Some(Reason::TooManyBytes);
        }
        let (Some(width), Some(height)) = (candidate.width, candidate.height) else {
            return Some(Reason::NotDecoded);
        };
        if let Some(reason) = size(width, height, config) {
            return Some(reason);
        }
        if candidate.refused == Some(Reason::Animated) && config.animated == Animated::Drop {
            return Some(Reason::Animated);
        }
        match candidate.single_colour {
            None => Some(Reason::NotDecoded),
            Some(single) => (single && config.drop_single_colour).then_some(Reason::SingleColour),
        }
    }

    /// Why a picture is not taken for how often it is shown.
    fn counts(&self, candidate: &Candidate) -> Option<Reason> {
        let config = &self.config;
        let over = |documents: u64, limit: u32| limit > 0 && documents > u64::from(limit);
        if over(candidate.url_documents, config.max_url_documents) {
            return Some(Reason::RepeatedUrl);
        }
        if over(candidate.content_documents, config.max_content_documents) {
            return Some(Reason::RepeatedContent);
        }
        over(
            candidate.perceptual_documents,
            config.max_perceptual_documents,
        )
        .then_some(Reason::RepeatedLook)
    }
}

/// Why a picture of this size is not taken.
pub(super) fn size(width: u32, height: u32, config: &ImagesConfig) -> Option<Reason> {
    let (short, long) = (width.min(height), width.max(height));
    let pixels = u64::from(width) * u64::from(height);
    if long <= 2 {
        return Some(Reason::TrackingPixel);
    }
    if config.max_side > 0 && long > config.max_side {
        return Some(Reason::TooLarge);
    }
    if config.max_pixels > 0 && pixels > config.max_pixels {
        return Some(Reason::TooManyPixels);
    }
    if short < config.min_side {
        return Some(Reason::TooSmall);
    }
    let limit = f64::from(config.max_aspect) * f64::from(short);
    (config.max_aspect > 0.0 && f64::from(long) > limit).then_some(Reason::AspectRatio)
}
