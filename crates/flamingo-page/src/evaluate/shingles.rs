//! Texts compared by their runs of four words, as the article extraction benchmark does.

use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

/// Words of a run.
const RUN: usize = 4;

/// What Python's `\w+` finds: letters, numbers of any kind and the underscore, but no marks.
static WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[\p{L}\p{N}_]+").expect("the pattern is constant"));

/// Runs of four words that two texts share, counted as multisets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TextCounts {
    /// Runs in both.
    pub matched: usize,
    /// Runs only in what was found.
    pub excess: usize,
    /// Runs only in what was expected.
    pub lost: usize,
    /// Whether there is no document at all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
}

impl TextCounts {
    /// Compares a found text with the expected one.
    pub fn of(expected: &str, found: &str) -> Self {
        let (expected, found) = (words(expected), words(found));
        let (expected, found) = (runs(&expected), runs(&found));
        let matched = shared(&expected, &found);
        Self {
            matched,
            excess: found.len() - matched,
            lost: expected.len() - matched,
            missing: false,
        }
    }

    /// The share of the found runs that is right; `None` where nothing was found, which claims nothing.
    pub fn precision(&self) -> Option<f64> {
        match self.matched + self.excess {
            0 => self.missing.then_some(0.0),
            found => Some(self.matched as f64 / found as f64),
        }
    }

    /// The share of the expected runs that was found; `None` where none was expected.
    pub fn recall(&self) -> Option<f64> {
        match self.matched + self.lost {
            0 => None,
            expected => Some(self.matched as f64 / expected as f64),
        }
    }
}

fn words(text: &str) -> Vec<&str> {
    WORD.find_iter(text).map(|word| word.as_str()).collect()
}

/// Sorted; a shorter text is one run.
fn runs<'t>(words: &'t [&'t str]) -> Vec<&'t [&'t str]> {
    let mut runs: Vec<_> = match words.len() {
        0 => Vec::new(),
        1..RUN => vec![words],
        _ => words.windows(RUN).collect(),
    };
    runs.sort_unstable();
    runs
}

/// How many elements two sorted lists share, each counted as often as both have it.
fn shared<T: Ord>(a: &[T], b: &[T]) -> usize {
    let (mut i, mut j, mut count) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, count) = (i + 1, j + 1, count + 1),
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_as_often_as_both_texts_have_them() {
        let counts = TextCounts::of("a b c d a b c d", "a b c d. A b c d a b c d");
        // Expected abcd twice, bcda, cdab, dabc; found abcd twice, bcda, cdab, dabc and four with "A".
        assert_eq!(
            counts,
            TextCounts {
                matched: 5,
                excess: 4,
                lost: 0,
                missing: false
            }
        );
    }

    #[test]
    fn a_text_shorter_than_a_run_is_one_run() {
        assert_eq!(TextCounts::of("one two", "One two").matched, 0);
        assert_eq!(TextCounts::of("one two", "one, two!").matched, 1);
    }

    #[test]
    fn an_empty_extraction_loses_recall_but_claims_nothing() {
        let counts = TextCounts::of("one two", "");
        assert_eq!((counts.precision(), counts.recall()), (None, Some(0.0)));
    }

    #[test]
    fn combining_marks_end_words_as_in_python() {
        assert_eq!(words("cafe\u{301}s x_1 ½"), ["cafe", "s", "x_1", "½"]);
    }
}
