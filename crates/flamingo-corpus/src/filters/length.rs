//! How long a text is: words, sentences and the mean length of its words.

use super::Reason;
use super::rule::{Rule, at_least, at_most};

pub(super) const RULES: &[Rule] = &[
    at_least(Reason::FewWords, |m, _| m.words as f32, |t| t.min_words),
    at_most(Reason::ManyWords, |m, _| m.words as f32, |t| t.max_words),
    at_least(
        Reason::FewSentences,
        |m, _| m.sentences as f32,
        |t| t.min_sentences,
    ),
    at_least(
        Reason::ShortWords,
        |m, _| m.word_length,
        |t| t.min_word_length,
    ),
    at_most(
        Reason::LongWords,
        |m, _| m.word_length,
        |t| t.max_word_length,
    ),
];
