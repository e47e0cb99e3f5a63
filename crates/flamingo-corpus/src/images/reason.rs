//! Why a picture is not taken.

use std::str::FromStr;

use crate::reason::named_reasons;

named_reasons! {
    /// Why a picture is not taken; each is counted by its name.
    Reason {
        /// Its bytes are of no picture: an error page, as a rule.
        NotAnImage = "not_an_image",
        /// A picture in a format that is not taken (SVG, AVIF, BMP, ...).
        UnsupportedFormat = "unsupported_format",
        /// Its bytes end before the picture does.
        Truncated = "truncated",
        /// Its bytes are damaged.
        Undecodable = "undecodable",
        /// More bytes than the configuration allows.
        TooManyBytes = "too_many_bytes",
        /// It claims more pixels than the configuration allows: a decompression bomb, as a rule.
        TooManyPixels = "too_many_pixels",
        /// Its longer side is above the limit.
        TooLarge = "too_large",
        /// One or two pixels that count visits.
        TrackingPixel = "tracking_pixel",
        /// Its shorter side is below the limit.
        TooSmall = "too_small",
        /// Too long or too wide.
        AspectRatio = "aspect_ratio",
        /// All of one colour.
        SingleColour = "single_colour",
        /// It moves.
        Animated = "animated",
        /// The page gives it a smaller size than the limit.
        DeclaredTooSmall = "declared_too_small",
        /// A word in its URL.
        UrlWord = "url_word",
        /// The page shows it twice.
        RepeatedInDocument = "repeated_in_document",
        /// Too many documents show the same URL.
        RepeatedUrl = "repeated_url",
        /// Too many documents show the same bytes.
        RepeatedContent = "repeated_content",
        /// Too many documents show a picture that looks the same.
        RepeatedLook = "repeated_look",
        /// It is in an evaluation set.
        EvaluationSet = "evaluation_set",
        /// When it was read, the rules in force refused it unseen; now they would take it, but its
        /// pixels have not been looked at: read again.
        NotDecoded = "not_decoded",
    }
}

impl FromStr for Reason {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let mut all = Self::ALL.iter().copied();
        all.find(|reason| reason.name() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_reason_has_one_name_in_tables_and_in_json() {
        for &reason in Reason::ALL {
            let json = serde_json::to_string(&reason).unwrap();
            assert_eq!(json, format!("\"{reason}\""));
            assert_eq!(reason.name().parse(), Ok(reason));
        }
        assert!("ok".parse::<Reason>().is_err());
    }
}
