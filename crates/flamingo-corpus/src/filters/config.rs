//! The section `[filters]`: a preset and what is changed in it.

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::{Table, Value};

use flamingo_page::Kind;

/// Thresholds of all filters, resolved: what the preset says, changed by what the file says.
///
/// ```toml
/// [filters]
/// preset = "obelics"
/// [filters.document]
/// min_words = 50
/// max_spam_words = "off"
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FilterConfig {
    /// The preset whose thresholds hold where the file says nothing.
    pub preset: Preset,
    /// A file of flagged words, one a line, in place of the built-in list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flagged_words: Option<String>,
    /// A file of common words, one a line; without it `min_common_words` is not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_words: Option<String>,
    /// Which languages.
    pub language: LanguageConfig,
    /// Images a document.
    pub images: ImageCounts,
    /// Thresholds of a paragraph by itself; it is dropped from its document.
    pub paragraph: Thresholds,
    /// Kinds of text that the thresholds of a paragraph leave alone.
    pub exempt: Vec<Kind>,
    /// Thresholds of the text that is left of a document.
    pub document: Thresholds,
    /// The quality model.
    pub quality: QualityConfig,
}

/// A named set of thresholds; `presets/NAME.toml` says where each number is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The Flamingo paper: English, MassiveText's quality and repetition filters, an image.
    #[default]
    Paper,
    /// OBELICS: filters of paragraphs, then of documents.
    Obelics,
    /// Multimodal C4: C4's rules of lines and pages.
    Mmc4,
    /// No filter at all.
    None,
}

impl Preset {
    fn text(self) -> &'static str {
        match self {
            Self::Paper => include_str!("presets/paper.toml"),
            Self::Obelics => include_str!("presets/obelics.toml"),
            Self::Mmc4 => include_str!("presets/mmc4.toml"),
            Self::None => "",
        }
    }
}

/// `[filters.language]`: which languages are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageConfig {
    /// ISO 639-1 codes; none means all.
    pub allowed: Vec<String>,
    /// The least confidence, 0 to 1.
    #[serde(with = "threshold")]
    pub min_confidence: Option<f64>,
}

/// `[filters.images]`: how many images a document has that are still there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageCounts {
    /// The least.
    #[serde(with = "threshold")]
    pub min: Option<f64>,
    /// The most.
    #[serde(with = "threshold")]
    pub max: Option<f64>,
}

/// `[filters.quality]`: a model trained by [`train_quality`](super::train_quality).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QualityConfig {
    /// Its file; without it no score is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The least score, 0 to 1; a half where the file does not say.
    #[serde(with = "threshold")]
    pub min_score: Option<f64>,
}

/// Thresholds over [`TextMeasures`](crate::measures::TextMeasures), each named as what it bounds;
/// none is asked unless it is set. In TOML `"off"` unsets a preset's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "each is the bound of the measure of its name")]
pub struct Thresholds {
    #[serde(with = "threshold")]
    pub min_words: Option<f64>,
    #[serde(with = "threshold")]
    pub max_words: Option<f64>,
    #[serde(with = "threshold")]
    pub min_sentences: Option<f64>,
    #[serde(with = "threshold")]
    pub min_word_length: Option<f64>,
    #[serde(with = "threshold")]
    pub max_word_length: Option<f64>,
    #[serde(with = "threshold")]
    pub max_special_characters: Option<f64>,
    #[serde(with = "threshold")]
    pub max_symbols: Option<f64>,
    #[serde(with = "threshold")]
    pub max_curly_brackets: Option<f64>,
    #[serde(with = "threshold")]
    pub max_filler: Option<f64>,
    #[serde(with = "threshold")]
    pub min_alphabetic_words: Option<f64>,
    #[serde(with = "threshold")]
    pub min_punctuation: Option<f64>,
    /// Texts of fewer words and marks are not asked for their punctuation.
    #[serde(with = "threshold")]
    pub punctuation_from_words: Option<f64>,
    #[serde(with = "threshold")]
    pub min_finished_lines: Option<f64>,
    #[serde(with = "threshold")]
    pub max_bullet_lines: Option<f64>,
    #[serde(with = "threshold")]
    pub max_ellipsis_lines: Option<f64>,
    #[serde(with = "threshold")]
    pub min_stop_words: Option<f64>,
    /// How many of the eight words that mark a language's running text.
    #[serde(with = "threshold")]
    pub min_marker_words: Option<f64>,
    #[serde(with = "threshold")]
    pub max_flagged_words: Option<f64>,
    #[serde(with = "threshold")]
    pub max_spam_words: Option<f64>,
    #[serde(with = "threshold")]
    pub min_common_words: Option<f64>,
    #[serde(with = "threshold")]
    pub max_character_repetition: Option<f64>,
    #[serde(with = "threshold")]
    pub max_word_repetition: Option<f64>,
    #[serde(with = "threshold")]
    pub max_duplicate_lines: Option<f64>,
    #[serde(with = "threshold")]
    pub max_duplicate_line_characters: Option<f64>,
    #[serde(with = "threshold")]
    pub max_duplicate_paragraphs: Option<f64>,
    #[serde(with = "threshold")]
    pub max_duplicate_paragraph_characters: Option<f64>,
    #[serde(with = "threshold")]
    pub max_top_2_gram: Option<f64>,
    #[serde(with = "threshold")]
    pub max_top_3_gram: Option<f64>,
    #[serde(with = "threshold")]
    pub max_top_4_gram: Option<f64>,
    #[serde(with = "threshold")]
    pub max_duplicate_5_grams: Option<f64>,
    #[serde(with = "threshold")]
    pub max_duplicate_6_grams: Option<f64>,
    #[serde(with = "threshold")]
    pub max_duplicate_7_grams: Option<f64>,
    #[serde(with = "threshold")]
    pub max_duplicate_8_grams: Option<f64>,
    #[serde(with = "threshold")]
    pub max_duplicate_9_grams: Option<f64>,
    #[serde(with = "threshold")]
    pub max_duplicate_10_grams: Option<f64>,
}

impl Thresholds {
    pub(super) fn ask_flagged_words_only(&self) -> bool {
        let of_flagged_words = Self {
            max_flagged_words: self.max_flagged_words,
            ..Self::default()
        };
        *self == of_flagged_words
    }
}

impl FilterConfig {
    /// The thresholds of a preset, unchanged.
    pub fn preset(preset: Preset) -> Self {
        let table = preset.text().parse().expect("a preset is valid TOML");
        Self::resolved(preset, table).expect("a preset has only known keys")
    }

    fn resolved(preset: Preset, table: Table) -> Result<Self, toml::de::Error> {
        let plain: Plain = table.try_into()?;
        Ok(Self {
            preset,
            flagged_words: plain.flagged_words,
            common_words: plain.common_words,
            language: plain.language,
            images: plain.images,
            paragraph: plain.paragraph,
            exempt: plain.exempt,
            document: plain.document,
            quality: plain.quality,
        })
    }
}

impl Default for FilterConfig {
    fn default() -> Self {
        Self::preset(Preset::default())
    }
}

impl<'de> Deserialize<'de> for FilterConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut changes = Table::deserialize(deserializer)?;
        let preset = match changes.remove("preset") {
            Some(name) => name.try_into().map_err(D::Error::custom)?,
            None => Preset::default(),
        };
        let mut table = preset.text().parse().map_err(D::Error::custom)?;
        overlay(&mut table, changes);
        Self::resolved(preset, table).map_err(|error| D::Error::custom(error.message()))
    }
}

/// What a preset file and the section hold, the preset's name taken off.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Plain {
    flagged_words: Option<String>,
    common_words: Option<String>,
    language: LanguageConfig,
    images: ImageCounts,
    paragraph: Thresholds,
    exempt: Vec<Kind>,
    document: Thresholds,
    quality: QualityConfig,
}

/// Tables are merged key by key, anything else is replaced.
fn overlay(base: &mut Table, changes: Table) {
    for (key, change) in changes {
        match (base.get_mut(&key), change) {
            (Some(Value::Table(inner)), Value::Table(change)) => overlay(inner, change),
            (_, change) => drop(base.insert(key, change)),
        }
    }
}

/// A threshold in TOML: a number, or `"off"`. A missing one is written as `"off"`, too, so that a
/// resolved file does not fall back to its preset.
pub(crate) mod threshold {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, s: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => s.serialize_f64(*value),
            None => s.serialize_str("off"),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
        d.deserialize_any(NumberOrOff)
    }

    struct NumberOrOff;

    impl Visitor<'_> for NumberOrOff {
        type Value = Option<f64>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a number that is not negative, or \"off\"")
        }

        fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
            if value.is_finite() && value >= 0.0 {
                return Ok(Some(value));
            }
            Err(E::invalid_value(Unexpected::Float(value), &self))
        }

        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
            self.visit_f64(value as f64)
        }

        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
            self.visit_f64(value as f64)
        }

        fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Self::Value, E> {
            match value {
                "off" => Ok(None),
                other => Err(E::invalid_value(Unexpected::Str(other), &self)),
            }
        }
    }
}
