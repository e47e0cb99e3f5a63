//! Numbers about a document's text, computed once and stored beside it, so that thresholds can
//! change without measuring again.

mod characters;
mod language;
mod lexicon;
mod lines;
mod numbering;
mod repetition;
mod text;
mod words;

use flamingo_page::{Page, Part, Text};
use serde::{Deserialize, Serialize};

pub use language::{Detected, detect_language};
pub use lexicon::{Lexicon, OwnWords};
pub use text::TextMeasures;

/// What a text part's measures are made by; raised when a measure's meaning changes.
pub const VERSION: u32 = 1;

/// The numbers of a document. Fields that an older file lacks are read as zero, and its `version`
/// tells [`decide`](crate::filters::decide) to measure again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measures {
    /// [`VERSION`] when they were made.
    pub version: u32,
    /// [`Lexicon::fingerprint`] of the word lists they were made with.
    pub lists: u64,
    /// The language of the text, where there is enough to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Detected>,
    /// Images in the page.
    pub images: u32,
    /// Films in the page.
    pub videos: u32,
    /// Numbers of its whole text.
    pub text: TextMeasures,
}

impl Measures {
    /// The numbers of a page, all of its parts taken.
    pub fn of(page: &Page, lexicon: &Lexicon) -> Self {
        let texts: Vec<&Text> = page.parts.iter().filter_map(text_of).collect();
        let language = detect_language(
            texts.iter().map(|text| text.text.as_str()),
            page.language.as_deref(),
        );
        let code = language.as_ref().map(|detected| detected.code.as_str());
        let count =
            |is: fn(&Part) -> bool| page.parts.iter().filter(|part| is(part)).count() as u32;
        Self {
            version: VERSION,
            lists: lexicon.fingerprint(),
            images: count(|part| matches!(part, Part::Image(_))),
            videos: count(|part| matches!(part, Part::Video(_))),
            text: TextMeasures::of(&texts, lexicon, code),
            language,
        }
    }

    /// The code of its language.
    pub fn language_code(&self) -> Option<&str> {
        self.language
            .as_ref()
            .map(|detected| detected.code.as_str())
    }
}

impl TextMeasures {
    /// The numbers of these texts as one, with the word lists of a language.
    pub fn of(texts: &[&Text], lexicon: &Lexicon, language: Option<&str>) -> Self {
        Self::only(Groups::ALL, texts, lexicon, language)
    }

    /// Only those of some groups, the others 0.
    pub(crate) fn only(
        groups: Groups,
        texts: &[&Text],
        lexicon: &Lexicon,
        language: Option<&str>,
    ) -> Self {
        let mut measures = Self::default();
        let words = words::Words::of(texts, lexicon.language(language));
        words.measure(&mut measures);
        if groups.characters {
            characters::measure(texts, &mut measures);
        }
        if groups.lines {
            lines::measure(texts, &mut measures);
        }
        if groups.character_runs {
            characters::measure_runs(texts, &mut measures);
        }
        if groups.word_runs {
            repetition::measure(&words, &mut measures);
        }
        measures
    }
}

/// Which measures are made beside those of words; a paragraph is asked little, and time is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Groups {
    pub(crate) characters: bool,
    pub(crate) lines: bool,
    pub(crate) character_runs: bool,
    pub(crate) word_runs: bool,
}

impl Groups {
    pub(crate) const ALL: Self = Self {
        characters: true,
        lines: true,
        character_runs: true,
        word_runs: true,
    };
}

fn text_of(part: &Part) -> Option<&Text> {
    match part {
        Part::Text(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
