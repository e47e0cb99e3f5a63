//! The section `[pairs]`.

use serde::{Deserialize, Serialize};

use super::PairSource;
use crate::filters::threshold;

/// What makes an image and a text a pair. The defaults are those of ALIGN (arXiv 2102.05918,
/// section 3), but for what is said to be ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairConfig {
    /// Which texts.
    pub text: PairText,
    /// The least pixels of the shorter side: 64, the side of the paper's images; ALIGN has 200,
    /// Conceptual Captions 400.
    #[serde(with = "threshold")]
    pub min_side: Option<f64>,
    /// The most that the longer side may be of the shorter: 3; Conceptual Captions has 2.
    #[serde(with = "threshold")]
    pub max_aspect: Option<f64>,
    /// The most images that may share a text: 10.
    #[serde(with = "threshold")]
    pub max_images_with_text: Option<f64>,
    /// What a text must be.
    pub caption: CaptionConfig,
}

impl Default for PairConfig {
    fn default() -> Self {
        Self {
            text: PairText::default(),
            min_side: Some(64.0),
            max_aspect: Some(3.0),
            max_images_with_text: Some(10.0),
            caption: CaptionConfig::default(),
        }
    }
}

/// Which of an image's texts make pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairText {
    /// The caption where it is good, else the alternative text: one pair an image.
    #[default]
    CaptionOrAlt,
    /// The alternative text where it is good, else the caption.
    AltOrCaption,
    /// Both, two pairs unless they say the same.
    Both,
    /// Only the alternative text, as ALIGN and LAION.
    Alt,
    /// Only the caption.
    Caption,
}

impl PairText {
    pub(super) fn sources(self) -> &'static [PairSource] {
        match self {
            Self::CaptionOrAlt | Self::Both => &[PairSource::Caption, PairSource::Alt],
            Self::AltOrCaption => &[PairSource::Alt, PairSource::Caption],
            Self::Alt => &[PairSource::Alt],
            Self::Caption => &[PairSource::Caption],
        }
    }
}

/// What the text of an image or a film must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaptionConfig {
    /// ISO 639-1 codes; none means all.
    pub languages: Vec<String>,
    /// The least words: 3.
    #[serde(with = "threshold")]
    pub min_words: Option<f64>,
    /// The most words: 60, ours, since LTIP's mean of 20.5 tokens is above what ALIGN's 20 leave.
    #[serde(with = "threshold")]
    pub max_words: Option<f64>,
    /// The least share of words that are different ones: a half, ours.
    #[serde(with = "threshold")]
    pub min_different_words: Option<f64>,
    /// The most share of letters that are capitals: 0.8, ours.
    #[serde(with = "threshold")]
    pub max_capitals: Option<f64>,
    /// The least share of characters that are letters, spaces left out: 0.6, ours.
    #[serde(with = "threshold")]
    pub min_letters: Option<f64>,
    /// The most share of flagged words: none.
    #[serde(with = "threshold")]
    pub max_flagged_words: Option<f64>,
}

impl Default for CaptionConfig {
    fn default() -> Self {
        Self {
            languages: vec!["en".to_owned()],
            min_words: Some(3.0),
            max_words: Some(60.0),
            min_different_words: Some(0.5),
            max_capitals: Some(0.8),
            min_letters: Some(0.6),
            max_flagged_words: Some(0.0),
        }
    }
}
