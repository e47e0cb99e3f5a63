//! What a text is written with: letters or symbols, marks of punctuation, code, filler.

use crate::measures::TextMeasures;

use super::rule::{Rule, at_least, at_most};
use super::{Reason, Thresholds};

pub(super) const RULES: &[Rule] = &[
    at_most(
        Reason::SpecialCharacters,
        |m, _| m.special_characters,
        |t| t.max_special_characters,
    ),
    at_most(Reason::Symbols, |m, _| m.symbols, |t| t.max_symbols),
    at_most(
        Reason::CurlyBrackets,
        |m, _| m.curly_brackets as f32,
        |t| t.max_curly_brackets,
    ),
    at_most(Reason::FillerText, |m, _| m.filler as f32, |t| t.max_filler),
    at_least(
        Reason::FewAlphabeticWords,
        |m, _| m.alphabetic_words,
        |t| t.min_alphabetic_words,
    ),
    at_least(Reason::LittlePunctuation, punctuation, |t| {
        t.min_punctuation
    }),
];

/// The share of marks, full for a text too short to be asked for it.
fn punctuation(measures: &TextMeasures, thresholds: &Thresholds) -> f32 {
    let least = thresholds.punctuation_from_words.unwrap_or(0.0);
    if f64::from(measures.words_and_marks) < least {
        return 1.0;
    }
    measures.punctuation
}
