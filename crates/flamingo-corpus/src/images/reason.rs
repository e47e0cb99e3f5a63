//! Why a picture is not taken.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a picture is not taken; each is counted by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its bytes are of no picture: an error page, as a rule.
    NotAnImage,
    /// A picture in a format that is not taken (SVG, AVIF, BMP, ...).
    UnsupportedFormat,
    /// Its bytes end before the picture does.
    Truncated,
    /// Its bytes are damaged.
    Undecodable,
    /// More bytes than the configuration allows.
    TooManyBytes,
    /// It claims more pixels than the configuration allows: a decompression bomb, as a rule.
    TooManyPixels,
    /// Its longer side is above the limit.
    TooLarge,
    /// Its shorter side is below the limit.
    TooSmall,
    /// One or two pixels that count visits.
    TrackingPixel,
    /// Too long or too wide.
    AspectRatio,
    /// All of one colour.
    SingleColour,
    /// It moves.
    Animated,
    /// The page gives it a smaller size than the limit.
    DeclaredTooSmall,
    /// A word in its URL.
    UrlWord,
    /// The page shows it twice.
    RepeatedInDocument,
    /// Too many documents show the same URL.
    RepeatedUrl,
    /// Too many documents show the same bytes.
    RepeatedContent,
    /// Too many documents show a picture that looks the same.
    RepeatedLook,
    /// It is in an evaluation set.
    EvaluationSet,
    /// When it was read, the rules in force refused it unseen; now they would take it, but its
    /// pixels have not been looked at: read again.
    NotDecoded,
}

impl Reason {
    /// All, in the order in which they are asked.
    pub const ALL: [Self; 20] = [
        Self::NotAnImage,
        Self::UnsupportedFormat,
        Self::Truncated,
        Self::Undecodable,
        Self::TooManyBytes,
        Self::TooManyPixels,
        Self::TooLarge,
        Self::TrackingPixel,
        Self::TooSmall,
        Self::AspectRatio,
        Self::SingleColour,
        Self::Animated,
        Self::DeclaredTooSmall,
        Self::UrlWord,
        Self::RepeatedInDocument,
        Self::RepeatedUrl,
        Self::RepeatedContent,
        Self::RepeatedLook,
        Self::EvaluationSet,
        Self::NotDecoded,
    ];

    /// Its name in reports and tables, as in its JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAnImage => "not_an_image",
            Self::UnsupportedFormat => "unsupported_format",
            Self::Truncated => "truncated",
            Self::Undecodable => "undecodable",
            Self::TooManyBytes => "too_many_bytes",
            Self::TooManyPixels => "too_many_pixels",
            Self::TooLarge => "too_large",
            Self::TooSmall => "too_small",
            Self::TrackingPixel => "tracking_pixel",
            Self::AspectRatio => "aspect_ratio",
            Self::SingleColour => "single_colour",
            Self::Animated => "animated",
            Self::DeclaredTooSmall => "declared_too_small",
            Self::UrlWord => "url_word",
            Self::RepeatedInDocument => "repeated_in_document",
            Self::RepeatedUrl => "repeated_url",
            Self::RepeatedContent => "repeated_content",
            Self::RepeatedLook => "repeated_look",
            Self::EvaluationSet => "evaluation_set",
            Self::NotDecoded => "not_decoded",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Reason {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let mut all = Self::ALL.into_iter();
        all.find(|reason| reason.name() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_reason_has_one_name_in_tables_and_in_json() {
        for reason in Reason::ALL {
            let json = serde_json::to_string(&reason).unwrap();
            assert_eq!(json, format!("\"{reason}\""));
            assert_eq!(reason.name().parse(), Ok(reason));
        }
        assert!("ok".parse::<Reason>().is_err());
    }
}
