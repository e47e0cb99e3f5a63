//! The words of the world: each is one token.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::scene::{COLOURS, Place};
use crate::things::{groups, things};

/// Number words, from one.
pub(crate) const NUMBERS: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

/// Digits, from 0.
const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// What the templates are made of, besides the words that have a list of their own.
const TEMPLATE_WORDS: &str = "Output Group Question Answer what where which how many much color \
    side thing things this that these here there it is are was a an the and or on in of with at to \
    from by not for page picture pictures film story list name named called look see we all some \
    other another more moves move grows grow shrinks shrink turns turn up down left right top \
    bottom front about new old small large first last next near above again also too shown shows show \
    says written true false yes no does do";

/// The characters that are words by themselves, in addition to their places in the byte alphabet.
const PUNCTUATION: [&str; 6] = [".", ",", ":", "?", "!", ";"];

/// Every word, sorted, none twice.
pub(crate) fn words() -> &'static BTreeSet<&'static str> {
    static WORDS: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
        let mut words: BTreeSet<&str> = TEMPLATE_WORDS.split_whitespace().collect();
        words.extend(things().iter().map(|thing| thing.name));
        words.extend(groups());
        words.extend(COLOURS.iter().map(|colour| colour.name));
        words.extend(Place::ALL.map(Place::word));
        words.extend(NUMBERS.iter().chain(&DIGITS).chain(&PUNCTUATION));
        words
    });
    &WORDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_thing_is_called_by_a_word_with_another_meaning() {
        let mut taken: BTreeSet<&str> = TEMPLATE_WORDS.split_whitespace().collect();
        taken.extend(groups());
        taken.extend(COLOURS.iter().map(|colour| colour.name));
        taken.extend(NUMBERS);
        for thing in things() {
            assert!(!taken.contains(thing.name), "{}", thing.name);
        }
    }
}
