//! What is asked of a text that describes a picture or film.

use flamingo_page::{Kind, Text};
use xxhash_rust::xxh3::Xxh3;

use super::PairReason::{self, *};
use super::boilerplate::{has_url, is_boilerplate, is_code, is_file_name};
use super::config::CaptionConfig;
use crate::measures::{Lexicon, TextMeasures, detect_language};

/// Confidence from which the language of a short text is believed; below it is the page's.
const SURE: f32 = 0.9;

/// A description and what is measured of it.
pub(crate) struct Caption<'a> {
    text: &'a str,
    language: Option<String>,
    measures: TextMeasures,
}

impl<'a> Caption<'a> {
    /// Measures a text; `language` is that of what stands around it.
    pub(crate) fn new(text: &'a str, language: Option<&str>, lexicon: &Lexicon) -> Self {
        let own = detect_language([text].into_iter(), None);
        let own = own.filter(|detected| detected.confidence >= SURE);
        let language = own.map(|own| own.code).or(language.map(str::to_owned));
        let part = Text {
            text: text.to_owned(),
            kind: Kind::Caption,
        };
        Self {
            text,
            measures: TextMeasures::of(&[&part], lexicon, language.as_deref()),
            language,
        }
    }

    /// All reasons against it; `urls` are those of the picture or film.
    pub(crate) fn reasons(&self, config: &CaptionConfig, urls: &[&str]) -> Vec<PairReason> {
        let below = |value: f64, least: Option<f64>| least.is_some_and(|least| value < least);
        let above = |value: f64, most: Option<f64>| most.is_some_and(|most| value > most);
        let words = f64::from(self.measures.words);
        let flagged = f64::from(self.measures.flagged_words);
        let letters = Letters::of(self.text);
        let given = [
            (FileName, is_file_name(self.text, urls)),
            (Url, has_url(self.text)),
            (Code, is_code(self.text)),
            (Boilerplate, is_boilerplate(self.text)),
            (FewWords, below(words, config.min_words)),
            (ManyWords, above(words, config.max_words)),
            (
                RepeatedWords,
                below(different_words(self.text), config.min_different_words),
            ),
            (Capitals, above(letters.capitals(), config.max_capitals)),
            (FewLetters, below(letters.share(), config.min_letters)),
            (FlaggedWords, above(flagged, config.max_flagged_words)),
            (Language, !self.is_allowed(&config.languages)),
        ];
        let given = given.into_iter().filter(|(_, is)| *is);
        given.map(|(reason, _)| reason).collect()
    }

    /// Whether its language is allowed; one that cannot be told is.
    fn is_allowed(&self, languages: &[String]) -> bool {
        let Some(language) = &self.language else {
            return true;
        };
        languages.is_empty() || languages.contains(language)
    }
}

/// The share of words that are different ones, 1 of none.
fn different_words(text: &str) -> f64 {
    let words = text.split_whitespace().map(str::to_lowercase);
    let mut words: Vec<String> = words.collect();
    let all = words.len().max(1);
    words.sort_unstable();
    words.dedup();
    words.len().max(1) as f64 / all as f64
}

struct Letters {
    characters: usize,
    letters: usize,
    capitals: usize,
    /// Letters of scripts that have capitals.
    cased: usize,
}

impl Letters {
    fn of(text: &str) -> Self {
        let count = |is: fn(char) -> bool| text.chars().filter(|&c| is(c)).count();
        Self {
            characters: count(|c| !c.is_whitespace()),
            letters: count(char::is_alphabetic),
            capitals: count(char::is_uppercase),
            cased: count(|c| c.is_uppercase() || c.is_lowercase()),
        }
    }

    fn share(&self) -> f64 {
        self.letters as f64 / self.characters.max(1) as f64
    }

    fn capitals(&self) -> f64 {
        self.capitals as f64 / self.cased.max(1) as f64
    }
}

/// A text with single spaces and no control characters.
pub(crate) fn squeeze(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    let visible = |c: char| !c.is_whitespace() && !c.is_control();
    for word in text.split(|c| !visible(c)).filter(|word| !word.is_empty()) {
        squeezed.push_str(if squeezed.is_empty() { "" } else { " " });
        squeezed.push_str(word);
    }
    squeezed
}

/// What is equal for texts that differ only in case, marks and spaces.
pub fn text_key(text: &str) -> i64 {
    let mut hash = Xxh3::new();
    let mut buffer = [0; 4];
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        for c in word.chars().flat_map(char::to_lowercase) {
            hash.update(c.encode_utf8(&mut buffer).as_bytes());
        }
        hash.update(b" ");
    }
    hash.digest().cast_signed()
}
