//! The language of a text and how sure that is.

use serde::{Deserialize, Serialize};
use whatlang::Lang;

/// A language and the confidence in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detected {
    /// ISO 639-1, where the language has such a code, else ISO 639-3.
    pub code: String,
    /// From 0 to 1.
    pub confidence: f32,
}

/// Bytes of text that are looked at: more do not change the answer, and the time is theirs.
const SAMPLE: usize = 1000;

/// Bytes below which no language is told.
const LEAST: usize = 20;

/// The language of texts, taken together from their start; none where there is too little. `thought` is what it may be: if
/// common words say so, too, it is that for sure.
pub fn detect_language<'a>(
    texts: impl Iterator<Item = &'a str>,
    thought: Option<&str>,
) -> Option<Detected> {
    let mut sample = String::with_capacity(SAMPLE + 4);
    for text in texts {
        let room = SAMPLE.saturating_sub(sample.len());
        sample.push_str(&text[..text.floor_char_boundary(room)]);
        sample.push('\n');
        if sample.len() >= SAMPLE {
            break;
        }
    }
    if sample.trim().len() < LEAST {
        return None;
    }
    if let Some(code) = flamingo_page::sure_language(&sample, thought) {
        return Some(Detected {
            code: code.to_owned(),
            confidence: 1.0,
        });
    }
    let info = whatlang::detect(&sample)?;
    Some(Detected {
        code: code(info.lang()).to_owned(),
        confidence: info.confidence().clamp(0.0, 1.0) as f32,
    })
}

/// ISO 639-1 of a language.
fn code(language: Lang) -> &'static str {
    let long = language.code();
    let found = SHORT.iter().find(|(from, _)| *from == long);
    found.map_or(long, |(_, short)| short)
}

/// ISO 639-3 to ISO 639-1, of the languages that can be told.
const SHORT: &[(&str, &str)] = &[
    ("afr", "af"),
    ("aka", "ak"),
    ("amh", "am"),
    ("ara", "ar"),
    ("aze", "az"),
    ("bel", "be"),
    ("ben", "bn"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("cmn", "zh"),
    ("cym", "cy"),
    ("dan", "da"),
    ("deu", "de"),
    ("ell", "el"),
    ("eng", "en"),
    ("epo", "eo"),
    ("est", "et"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("guj", "gu"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("hye", "hy"),
    ("ind", "id"),
    ("ita", "it"),
    ("jav", "jv"),
    ("jpn", "ja"),
    ("kan", "kn"),
    ("kat", "ka"),
    ("khm", "km"),
    ("kor", "ko"),
    ("lat", "la"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("mal", "ml"),
    ("mar", "mr"),
    ("mkd", "mk"),
    ("mya", "my"),
    ("nep", "ne"),
    ("nld", "nl"),
    ("nob", "no"),
    ("ori", "or"),
    ("pan", "pa"),
    ("pes", "fa"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rus", "ru"),
    ("sin", "si"),
    ("slk", "sk"),
    ("slv", "sl"),
    ("sna", "sn"),
    ("spa", "es"),
    ("srp", "sr"),
    ("swe", "sv"),
    ("tam", "ta"),
    ("tel", "te"),
    ("tgl", "tl"),
    ("tha", "th"),
    ("tuk", "tk"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("urd", "ur"),
    ("uzb", "uz"),
    ("vie", "vi"),
    ("yid", "yi"),
    ("zul", "zu"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_that_can_be_told_has_its_short_code() {
        for &language in Lang::all() {
            assert_eq!(code(language).len(), 2, "{}", language.code());
        }
    }

    #[test]
    fn too_little_text_has_no_language() {
        assert_eq!(detect_language(["Hello there."].into_iter(), None), None);
        assert_eq!(detect_language([].into_iter(), None), None);
    }
}
