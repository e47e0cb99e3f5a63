//! Which words a text is made of, by the lists of its language.

use super::Reason;
use super::rule::{Rule, at_least, at_most};

pub(super) const RULES: &[Rule] = &[
    at_least(
        Reason::FewStopWords,
        |m, _| m.stop_words,
        |t| t.min_stop_words,
    ),
    at_least(
        Reason::FewStopWords,
        |m, _| m.marker_words as f32,
        |t| t.min_marker_words,
    ),
    at_most(
        Reason::FlaggedWords,
        |m, _| m.flagged_words,
        |t| t.max_flagged_words,
    ),
    at_most(Reason::SpamWords, |m, _| m.spam_words, |t| t.max_spam_words),
    at_least(
        Reason::FewCommonWords,
        |m, _| m.common_words,
        |t| t.min_common_words,
    ),
];
