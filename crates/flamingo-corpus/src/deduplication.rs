//! Section `[deduplication]` of a corpus's configuration: what counts as a repetition, across the whole corpus.

use serde::{Deserialize, Serialize};

/// What counts as a repetition.
///
/// ```
/// # use flamingo_corpus::deduplication::{Deduplication, Near};
/// let config: Deduplication = toml::from_str("near = 0.85\nparagraph_documents = 0").unwrap();
/// assert_eq!(config.near, Near::Similarity(0.85));
/// assert!(config.url && config.page);
/// assert_eq!(toml::from_str::<Deduplication>("near = \"off\"").unwrap().near, Near::Off);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deduplication {
    /// Of pages with one URL (by its key, redirects followed) the first stays.
    pub url: bool,
    /// Of pages with the same text and images the first stays.
    pub page: bool,
    /// A page whose text is at least this similar to that of an earlier page goes.
    pub near: Near,
    /// MinHash values in a band: fewer find less similar pages, and take longer. A divisor of 128; pages are read with it.
    pub band_rows: usize,
    /// Paragraphs found in at least so many documents of one domain go; 0 keeps all.
    pub paragraph_documents: u32,
    /// Bytes of memory for the joins, 128 MiB for each thread where it is not said; what does not fit goes to disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<u64>,
}

impl Default for Deduplication {
    fn default() -> Self {
        Deduplication {
            url: true,
            page: true,
            near: Near::Similarity(0.8),
            band_rows: 8,
            paragraph_documents: 3,
            memory_limit: None,
        }
    }
}

/// Whether pages with similar texts are repetitions: `near = 0.8`, or `near = "off"`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Near {
    /// At least this share of five-word shingles in common, as estimated from 128 MinHash values.
    Similarity(f64),
    /// Only equal pages are.
    #[serde(with = "off")]
    Off,
}

impl Near {
    /// How many of the values of two signatures of `length` must agree; `None` where similar texts may stay.
    pub fn agreeing(self, length: usize) -> Option<usize> {
        match self {
            Near::Similarity(similarity) => Some(
                (similarity * length as f64)
                    .ceil()
                    .clamp(1.0, length as f64) as usize,
            ),
            Near::Off => None,
        }
    }
}

/// The word `off` as the JSON or TOML of a unit variant.
mod off {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("off")
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "off" => Ok(()),
            other => Err(D::Error::custom(format!(
                "near is a share or \"off\", not {other:?}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_section_written_out_reads_as_itself() {
        for near in [Near::Off, Near::Similarity(0.75)] {
            let config = Deduplication {
                near,
                ..Default::default()
            };
            let text = toml::to_string(&config).unwrap();
            assert_eq!(
                toml::from_str::<Deduplication>(&text).unwrap(),
                config,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_neither_a_share_nor_off_is_refused() {
        for text in ["near = true", "near = \"on\"", "neer = 0.8"] {
            assert!(toml::from_str::<Deduplication>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_share_is_rounded_up_to_positions_and_never_asks_for_none_or_too_many() {
        assert_eq!(Near::Similarity(0.8).agreeing(128), Some(103));
        assert_eq!(Near::Similarity(0.5).agreeing(128), Some(64));
        assert_eq!(Near::Similarity(-1.0).agreeing(128), Some(1));
        assert_eq!(Near::Similarity(7.0).agreeing(128), Some(128));
        assert_eq!(Near::Off.agreeing(128), None);
    }
}
