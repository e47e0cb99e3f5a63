//! All rules of texts, and what they ask of one.

use crate::measures::{Groups, TextMeasures};

use super::rule::Rule;
use super::{Reason, Thresholds, characters, length, lines, repetition, words};

/// All rules of texts.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    let files = [
        length::RULES,
        characters::RULES,
        lines::RULES,
        words::RULES,
        repetition::RULES,
    ];
    files.into_iter().flatten()
}

/// The reasons for which a text fails, each once, in the order of the funnel.
pub(super) fn reasons(measures: &TextMeasures, thresholds: &Thresholds) -> Vec<Reason> {
    let failing = rules().filter(|rule| rule.fails(measures, thresholds));
    let mut reasons: Vec<Reason> = failing.map(|rule| rule.reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

/// The groups of measures that thresholds ask for; none if they ask nothing.
pub(super) fn groups(thresholds: &Thresholds) -> Option<Groups> {
    let is_asked = |rule: &Rule| (rule.threshold)(thresholds).is_some();
    let asks = |rules: &[Rule]| rules.iter().any(is_asked);
    (*thresholds != Thresholds::default()).then(|| Groups {
        characters: asks(characters::RULES),
        lines: asks(lines::RULES) || asks(repetition::RULES),
        character_runs: thresholds.max_character_repetition.is_some(),
        word_runs: asks(repetition::RULES),
    })
}
