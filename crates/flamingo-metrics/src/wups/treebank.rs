//! Words of an answer: sentences, then the Treebank's rules one after another.
//!
//! Two versions: pywsd 1.2.4's, by which answers are lemmatised, and NLTK 3.10's `word_tokenize`, by which
//! lemmas are split again before they are compared. Sentences end as Punkt ends them where a word before a full
//! stop is no abbreviation; of those we know a few, Punkt has learned more.

use std::sync::LazyLock;

use regex::Regex;

use crate::python::{is_space, split};

/// Whose rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokenizer {
    Pywsd,
    Nltk,
}

type Rule = (Regex, &'static str);

/// A version's rules, in order.
struct Rules {
    /// On the text as it is.
    before: Vec<Rule>,
    /// On the text between spaces.
    after: Vec<Rule>,
}

static PYWSD: LazyLock<Rules> = LazyLock::new(|| Rules::new(Tokenizer::Pywsd));
static NLTK: LazyLock<Rules> = LazyLock::new(|| Rules::new(Tokenizer::Nltk));

impl Rules {
    fn new(version: Tokenizer) -> Self {
        let nltk = version == Tokenizer::Nltk;
        let starting_quotes = [
            ("([«“‘„]|`+)", " $1 "),
            (r#"^""#, "``"),
            ("(``)", " $1 "),
            (r#"([ (\[{<])("|'{2})"#, "$1 `` "),
        ];
        let marks = [
            Some((r#"([^.])(\.)([\])}>"'»”’ ]*)\s*$"#, "$1 $2 $3 ")),
            Some((r"([:,])(\D)", " $1 $2")),
            Some(("([:,])$", " $1 ")),
            Some((if nltk { r"(\.{2,})" } else { r"(\.\.\.)" }, " $1 ")),
            Some(("([;@#$%&])", " $1 ")),
            nltk.then_some((r"([\x{2012}-\x{2015}])", " $1 ")),
            Some((r#"([^.])(\.)([\])}>"']*)\s*$"#, "$1 $2$3 ")),
            Some(("([?!])", " $1 ")),
            Some(("([^'])' ", "$1 ' ")),
            nltk.then_some(("([*])", " $1 ")),
            Some((r"([\]\[(){}<>])", " $1 ")),
            Some(("(--)", " $1 ")),
        ];
        let ending_quotes = match nltk {
            true => [
                ("([»”’])", " $1 "),
                ("('')", " $1 "),
                ("\"", " '' "),
                (r"\s+", " "),
            ]
            .as_slice(),
            false => &[
                ("([»”’]+)", " $1 "),
                ("\"", " '' "),
                (r"(\S)('')", "$1 $2 "),
            ],
        };
        let clitics = [
            (r"([^' ])('[sS]|'[mM]|'[dD]|') ", "$1 $2 "),
            (r"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "$1 $2 "),
        ];
        let more = if nltk {
            r"(?i)\b(more)('n)\b"
        } else {
            r"(?i)\b(mor)('n)\b"
        };
        let contractions = [
            (r"(?i)\b(can)(not)\b", " $1 $2 "),
            (r"(?i)\b(d)('ye)\b", " $1 $2 "),
            (r"(?i)\b(gim)(me)\b", " $1 $2 "),
            (r"(?i)\b(gon)(na)\b", " $1 $2 "),
            (r"(?i)\b(got)(ta)\b", " $1 $2 "),
            (r"(?i)\b(lem)(me)\b", " $1 $2 "),
            (more, " $1 $2 "),
            (r"(?i)\b(wan)(na)\s", " $1 $2 "),
            (r"(?i) ('t)(is)\b", " $1 $2 "),
            (r"(?i) ('t)(was)\b", " $1 $2 "),
        ];
        let compile =
            |(pattern, new): (&str, &'static str)| (Regex::new(pattern).expect("a pattern"), new);
        Self {
            before: starting_quotes
                .into_iter()
                .map(compile)
                .chain(marks.into_iter().flatten().map(compile))
                .collect(),
            after: ending_quotes
                .iter()
                .copied()
                .chain(clitics)
                .chain(contractions)
                .map(compile)
                .collect(),
        }
    }
}

impl Tokenizer {
    /// The words of a text.
    pub(super) fn words(self, text: &str) -> Vec<String> {
        let of_sentence = |sentence: &str| {
            let line = self.apply(sentence);
            split(&line).map(str::to_owned).collect::<Vec<_>>()
        };
        sentences(text).into_iter().flat_map(of_sentence).collect()
    }

    fn apply(self, sentence: &str) -> String {
        let rules: &Rules = match self {
            Self::Pywsd => &PYWSD,
            Self::Nltk => &NLTK,
        };
        let mut text = sentence.to_owned();
        for (index, (pattern, new)) in rules.before.iter().enumerate() {
            text = pattern.replace_all(&text, *new).into_owned();
            // After the quotes that open.
            if index == 3 && self == Self::Nltk {
                text = opening_apostrophes(&text);
            }
        }
        text = format!(" {text} ");
        for (pattern, new) in &rules.after {
            text = pattern.replace_all(&text, *new).into_owned();
        }
        text
    }
}

/// A space after an apostrophe that opens a word and is no clitic.
fn opening_apostrophes(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    for (at, c) in text.char_indices() {
        out.push(c);
        let word: String = text[at + c.len_utf8()..]
            .chars()
            .take_while(|&c| is_word(c))
            .flat_map(char::to_lowercase)
            .collect();
        let opens = c == '\'' && !before.is_some_and(is_word) && !word.is_empty();
        if opens && !["re", "ve", "ll", "m", "t", "s", "d", "n"].contains(&word.as_str()) {
            out.push(' ');
        }
        before = Some(c);
    }
    out
}

/// Words that a full stop does not end a sentence after.
const ABBREVIATIONS: [&str; 20] = [
    "dr", "mr", "mrs", "ms", "prof", "st", "vs", "jr", "sr", "gen", "col", "capt", "lt", "sgt",
    "rep", "sen", "inc", "corp", "co", "u.s",
];

/// The sentences of a text.
fn sentences(text: &str) -> Vec<&str> {
    static END: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(\S*)([.?!])([\])}>"']*)\s+"#).expect("a pattern"));
    let mut sentences = Vec::new();
    let mut start = 0;
    for found in END.captures_iter(text) {
        let whole = found.get(0).expect("the match itself");
        let (word, mark) = (&found[1], &found[2]);
        if mark != "." || !goes_on(word) {
            sentences.push(text[start..whole.end()].trim_matches(is_space));
            start = whole.end();
        }
    }
    sentences.push(text[start..].trim_matches(is_space));
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

/// Whether a sentence goes on after a word and its full stop.
fn goes_on(word: &str) -> bool {
    let word = word.to_lowercase();
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    is_initial || word.is_empty() || word.ends_with('.') || ABBREVIATIONS.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clitics_marks_and_joined_words_are_words_of_their_own() {
        let words = Tokenizer::Pywsd.words("The goat's bell isn't (very) loud, we cannot hear it.");
        assert_eq!(
            words.join(" "),
            "The goat 's bell is n't ( very ) loud , we can not hear it ."
        );
    }

    #[test]
    fn a_sentence_ends_before_lower_case_too_and_not_after_a_title() {
        assert_eq!(Tokenizer::Nltk.words("one. two").join("|"), "one|.|two");
        assert_eq!(Tokenizer::Nltk.words("Dr. Goat").join("|"), "Dr.|Goat");
    }

    #[test]
    fn an_apostrophe_before_a_word_stands_alone_unless_it_begins_a_clitic() {
        assert_eq!(
            Tokenizer::Nltk.words("'hay 's 'tis").join("|"),
            "'|hay|'s|'|tis"
        );
    }
}
