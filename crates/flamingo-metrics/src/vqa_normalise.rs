//! How VQA's official code rewrites an answer before it compares: marks, number words, articles and
//! contractions.
//!
//! Two versions are in use: `vqaEval.py` of GT-Vision-Lab/VQA, and the processor of EvalAI, which came from
//! MMF and scores TextVQA, OK-VQA and VizWiz in lmms-eval.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::python::{Digits, split, strip};

/// Whose rewriting it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    /// GT-Vision-Lab/VQA, with the digits of the Python that it runs under.
    GtVision(Digits),
    /// EvalAI's: first to lower case, commas and question marks go, `'s` becomes a word.
    EvalAi,
}

impl Processor {
    /// A normalised answer, line breaks and outer spaces removed first.
    #[must_use]
    pub fn normalise(self, text: &str) -> String {
        match self {
            Self::GtVision(digits) => words(&without_marks(
                &one_line(text),
                digits,
                Commas::BetweenDigits,
            )),
            Self::EvalAi => {
                let text = text.to_lowercase().replace([',', '?'], "");
                let text = one_line(strip(&text.replace("'s", " 's")));
                words(&without_marks(&text, Digits::Unicode, Commas::Gone))
            }
        }
    }
}

/// Newlines and tabs become spaces, outer spaces go.
pub(crate) fn one_line(text: &str) -> String {
    strip(&text.replace(['\n', '\t'], " ")).to_owned()
}

/// Whether a comma between two digits, anywhere, makes all marks go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commas {
    BetweenDigits,
    Gone,
}

const MARKS: [char; 21] = [
    ';', '/', '[', ']', '"', '{', '}', '(', ')', '=', '+', '\\', '_', '-', '>', '<', '@', '`', ',',
    '?', '!',
];

/// So many full stops go: the official call passes a flag (32) where the count stands.
const MAX_FULL_STOPS: usize = 32;

fn without_marks(text: &str, digits: Digits, commas: Commas) -> String {
    let chars: Vec<char> = text.chars().collect();
    let thousands = commas == Commas::BetweenDigits
        && chars
            .windows(3)
            .any(|three| three[1] == ',' && digits.contains(three[0]) && digits.contains(three[2]));
    // A mark goes everywhere if it touches a space somewhere, in the text as it was.
    let goes = |mark: char| {
        thousands
            || chars
                .windows(2)
                .any(|two| two == [mark, ' '] || two == [' ', mark])
    };
    let gone: Vec<char> = MARKS.into_iter().filter(|&mark| goes(mark)).collect();
    let rewritten: Vec<char> = chars
        .iter()
        .filter(|c| !gone.contains(c))
        .map(|&c| if MARKS.contains(&c) { ' ' } else { c })
        .collect();
    let mut stops = 0;
    let mut out = String::with_capacity(text.len());
    for (index, &c) in rewritten.iter().enumerate() {
        let before_digit = rewritten
            .get(index + 1)
            .is_some_and(|&next| digits.contains(next));
        if c == '.' && !before_digit && stops < MAX_FULL_STOPS {
            stops += 1;
        } else {
            out.push(c);
        }
    }
    out
}

fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = split(&lower)
        .map(|word| {
            NUMBERS
                .iter()
                .find(|(name, _)| *name == word)
                .map_or(word, |(_, digit)| digit)
        })
        .filter(|word| !["a", "an", "the"].contains(word))
        .map(|word| {
            CONTRACTIONS
                .get(word)
                .map_or(word, |&contraction| contraction)
        });
    words.collect::<Vec<_>>().join(" ")
}

const NUMBERS: [(&str, &str); 12] = [
    ("none", "0"),
    ("zero", "0"),
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
];

/// The contractions that get their apostrophe back. Of those with more than one, a word that lacks one of
/// them is mended, a word that lacks all is not. "Im" and "Ive", which the official list has, never come
/// up in a text of lower case.
const MENDED: &str = "ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't \
    haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't \
    must've needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've \
    somebody'll somebody's someone'd someone'd've someone'll someone's something'd something'd've something'll that's \
    there'd there'd've there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't \
    what'll what're what's what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're \
    why's won't would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've";

static CONTRACTIONS: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut contractions = HashMap::new();
    for whole in MENDED.split_whitespace() {
        for (at, _) in whole.match_indices('\'') {
            contractions.insert([&whole[..at], &whole[at + 1..]].concat(), whole);
        }
    }
    // The one entry that takes an apostrophe away.
    contractions.insert("somebody'd".to_owned(), "somebodyd");
    contractions
});

#[cfg(test)]
mod tests {
    use super::*;

    fn official(text: &str) -> String {
        Processor::GtVision(Digits::Ascii).normalise(text)
    }

    #[test]
    fn a_mark_becomes_a_space_unless_it_touches_one_or_a_comma_stands_between_digits() {
        assert_eq!(official("salt/pepper"), "salt pepper");
        assert_eq!(official("salt /pepper-mill"), "salt pepper mill");
        assert_eq!(official("4,500/b"), "4500b");
    }

    #[test]
    fn a_full_stop_before_a_digit_stays_and_only_32_others_go() {
        assert_eq!(official("3. of .5"), "3 of .5");
        assert_eq!(official(&".".repeat(40)), ".".repeat(8));
    }

    #[test]
    fn one_missing_apostrophe_is_mended_and_two_are_not() {
        assert_eq!(official("Whod've"), "who'd've");
        assert_eq!(official("whodve"), "whodve");
        assert_eq!(official("somebody'd"), "somebodyd");
        assert_eq!(official("Im"), "im");
    }

    #[test]
    fn evalai_splits_the_clitic_off_and_drops_commas_first() {
        assert_eq!(
            Processor::EvalAi.normalise("The dog's, 1,000/b?"),
            "dog 's 1000 b"
        );
    }
}
