//! Which pictures of a document are taken, from numbers that are stored.

use std::collections::BTreeSet;

use flamingo_image::Format;

use super::config::{Animated, ImagesConfig};
use super::size::size;
use super::{EvaluationIndex, Reason, UrlWords};
use crate::reason::named_reasons;

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

named_reasons! {
    /// Why a document is not taken for its number of pictures.
    Count {
        /// Fewer than [`ImagesConfig::min_images`] are left.
        TooFewImages = "too_few_images",
        /// More than [`ImagesConfig::max_images`] are left.
        TooManyImages = "too_many_images",
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{Inspected, Preset};
    use super::*;

    fn candidate() -> Candidate<'static> {
        Candidate {
            url: "https://a.example/cat.jpg",
            format: Some(Format::Jpeg),
            width: Some(640),
            height: Some(480),
            bytes: 9973,
            sha256: Some("aa"),
            perceptual: Some(7),
            single_colour: Some(false),
            ..Candidate::default()
        }
    }

    fn rules(preset: Preset) -> Rules {
        Rules::new(&ImagesConfig::preset(preset))
    }

    #[test]
    fn sizes_are_those_of_the_papers() {
        for (width, height, paper, obelics) in [
            (640, 480, None, None),
            (64, 64, None, Some(Reason::TooSmall)),
            (63, 97, Some(Reason::TooSmall), Some(Reason::TooSmall)),
            (150, 300, None, None),
            (150, 301, None, Some(Reason::AspectRatio)),
            (192, 64, None, Some(Reason::TooSmall)),
            (
                601,
                200,
                Some(Reason::AspectRatio),
                Some(Reason::AspectRatio),
            ),
            (
                20_001,
                9_000,
                Some(Reason::TooLarge),
                Some(Reason::TooLarge),
            ),
            (
                2,
                1,
                Some(Reason::TrackingPixel),
                Some(Reason::TrackingPixel),
            ),
        ] {
            let sized = Candidate {
                width: Some(width),
                height: Some(height),
                ..candidate()
            };
            assert_eq!(
                rules(Preset::Paper).picture(&sized),
                paper,
                "{width}x{height}"
            );
            assert_eq!(
                rules(Preset::Obelics).picture(&sized),
                obelics,
                "{width}x{height}"
            );
        }
    }

    #[test]
    fn a_page_alone_rules_out_pixels_thumbnails_and_furniture() {
        let url = "https://a.example/cat.jpg";
        let obelics = rules(Preset::Obelics);
        assert_eq!(obelics.page(url, None, None), None);
        assert_eq!(obelics.page(url, Some(0), Some(400)), None);
        assert_eq!(
            obelics.page(url, Some(1), Some(1)),
            Some(Reason::TrackingPixel)
        );
        assert_eq!(
            obelics.page(url, Some(149), None),
            Some(Reason::DeclaredTooSmall)
        );
        let logo = "https://a.example/img/site-logo.png";
        assert_eq!(obelics.page(logo, None, None), Some(Reason::UrlWord));
        let paper = rules(Preset::Paper);
        assert_eq!(paper.page(logo, Some(149), None), None);
    }

    #[test]
    fn what_is_shown_too_often_is_dropped() {
        for (preset, limit, reason) in [
            (Preset::Obelics, 10, Reason::RepeatedUrl),
            (Preset::Mmc4, 10, Reason::RepeatedLook),
        ] {
            let shown = |documents| Candidate {
                url_documents: documents,
                perceptual_documents: documents,
                content_documents: documents,
                ..candidate()
            };
            assert_eq!(rules(preset).picture(&shown(limit)), None);
            assert_eq!(rules(preset).picture(&shown(limit + 1)), Some(reason));
            assert_eq!(rules(Preset::Paper).picture(&shown(limit + 1)), None);
        }
        let config = ImagesConfig {
            max_content_documents: 3,
            ..ImagesConfig::default()
        };
        let often = Candidate {
            content_documents: 4,
            ..candidate()
        };
        let reason = Rules::new(&config).picture(&often);
        assert_eq!(reason, Some(Reason::RepeatedContent));
    }

    #[test]
    fn the_first_of_equal_pictures_is_kept() {
        let other = Candidate {
            sha256: Some("bb"),
            ..candidate()
        };
        let small = Candidate {
            width: Some(9),
            sha256: Some("cc"),
            ..candidate()
        };
        let page = [small, candidate(), other, candidate()];
        let expected = [
            Some(Reason::TooSmall),
            None,
            None,
            Some(Reason::RepeatedInDocument),
        ];
        assert_eq!(rules(Preset::Paper).pictures(&page, None), expected);
        let config = ImagesConfig {
            drop_repeated: false,
            ..ImagesConfig::default()
        };
        assert_eq!(Rules::new(&config).pictures(&page, None)[3], None);
    }

    #[test]
    fn pictures_of_an_evaluation_set_are_dropped() {
        let known = |sha256: &str, perceptual| Inspected {
            sha256: Some(sha256.into()),
            perceptual: Some(perceptual),
            ..Inspected::default()
        };
        let set = EvaluationIndex::new(2, [("e.jpg".into(), known("bb", 4))]);
        let page = [
            candidate(),
            Candidate {
                perceptual: Some(8),
                ..candidate()
            },
        ];
        // 7 and 4 differ in two bits, 8 and 4 in two as well; 8 and 3 in three.
        let decided = rules(Preset::Paper).pictures(&page, Some(&set));
        assert_eq!(decided, [Some(Reason::EvaluationSet); 2]);
        let far = EvaluationIndex::new(2, [("e.jpg".into(), known("bb", 0x38))]);
        let decided = rules(Preset::Paper).pictures(&page[..1], Some(&far));
        assert_eq!(decided, [None]);
    }

    #[test]
    fn a_threshold_may_change_after_reading() {
        let shut = ImagesConfig {
            min_side: 500,
            ..ImagesConfig::default()
        };
        assert_eq!(
            Rules::new(&shut).picture(&candidate()),
            Some(Reason::TooSmall)
        );
        // Refused unseen when it was read: now it would pass, but nothing is known of its pixels.
        let unseen = Candidate {
            refused: Some(Reason::TooSmall),
            single_colour: None,
            perceptual: None,
            ..candidate()
        };
        assert_eq!(
            rules(Preset::Paper).picture(&unseen),
            Some(Reason::NotDecoded)
        );
        let flat = Candidate {
            refused: Some(Reason::SingleColour),
            single_colour: Some(true),
            ..candidate()
        };
        assert_eq!(
            rules(Preset::Paper).picture(&flat),
            Some(Reason::SingleColour)
        );
        let keep = ImagesConfig {
            drop_single_colour: false,
            ..ImagesConfig::default()
        };
        assert_eq!(Rules::new(&keep).picture(&flat), None);
        let damaged = Candidate {
            refused: Some(Reason::Truncated),
            ..candidate()
        };
        assert_eq!(
            rules(Preset::Paper).picture(&damaged),
            Some(Reason::Truncated)
        );
    }

    #[test]
    fn documents_have_one_to_thirty_pictures() {
        let count = |preset, pictures| rules(preset).count(pictures);
        assert_eq!(count(Preset::Obelics, 0), Some(Count::TooFewImages));
        assert_eq!(count(Preset::Obelics, 30), None);
        assert_eq!(count(Preset::Obelics, 31), Some(Count::TooManyImages));
        assert_eq!(count(Preset::Paper, 0), Some(Count::TooFewImages));
        assert_eq!(count(Preset::Paper, 31), None);
    }
}
