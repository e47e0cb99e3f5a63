//! Text as it is compared: words in lower case with one space between them, and nothing else.

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// The words of a text: compatibility characters unified (NFKC), lower case, one space between words, punctuation and symbols away.
///
/// In scripts that put no spaces between words (Chinese, Japanese, Thai, ...) each character is a word of its own.
///
/// ```
/// # use flamingo_corpus::signature::normalise;
/// assert_eq!(normalise("  It\u{2019}s the ﬁrst CAFE\u{301}\u{2014}here! "), "it s the first café here");
/// assert_eq!(normalise("猫がいる 2匹"), "猫 が い る 2 匹");
/// ```
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    normalise_into(text, &mut out);
    out
}

/// Appends the words of a text to `out`.
pub(super) fn normalise_into(text: &str, out: &mut String) {
    out.reserve(text.len());
    let mut words = Words {
        start: out.len(),
        out,
        gap: false,
    };
    // Characters never compose across white space, so that most words need no tables.
    for chunk in text.split_ascii_whitespace() {
        words.gap = true;
        if chunk.is_ascii() {
            words.push_ascii(chunk);
        } else if is_nfkc_quick(chunk.chars()) == IsNormalized::Yes {
            words.push_all(chunk.chars());
        } else {
            words.push_all(chunk.nfkc());
        }
    }
    let start = words.start;
    out[start..].make_ascii_lowercase();
}

/// Words being written, one space between them.
struct Words<'a> {
    out: &'a mut String,
    start: usize,
    gap: bool,
}

impl Words<'_> {
    fn push_ascii(&mut self, chunk: &str) {
        let words = chunk.split(|character: char| !character.is_ascii_alphanumeric());
        for word in words.filter(|word| !word.is_empty()) {
            self.open();
            self.out.push_str(word);
            self.gap = true;
        }
    }

    fn push_all(&mut self, characters: impl Iterator<Item = char>) {
        for character in characters {
            match character.is_ascii() {
                true => self.push(character),
                false => character
                    .to_lowercase()
                    .for_each(|character| self.push(character)),
            }
        }
    }

    fn push(&mut self, character: char) {
        match Role::of(character) {
            Role::Letter => {
                self.open();
                self.out.push(character);
            }
            Role::Word => {
                self.gap = true;
                self.open();
                self.out.push(character);
                self.gap = true;
            }
            Role::Mark => self.out.push(character),
            Role::Invisible => {}
            Role::Separator => self.gap = true,
        }
    }

    /// Puts a space before a new word.
    fn open(&mut self) {
        if self.gap && self.out.len() > self.start {
            self.out.push(' ');
        }
        self.gap = false;
    }
}

/// What a character does to a word.
enum Role {
    /// Goes on with it, or begins one.
    Letter,
    /// Is one itself.
    Word,
    /// Belongs to the character before.
    Mark,
    /// Nothing that one could see.
    Invisible,
    /// Ends it.
    Separator,
}

impl Role {
    fn of(character: char) -> Self {
        if character.is_ascii_alphanumeric() {
            return Role::Letter;
        }
        if character.is_ascii() {
            return Role::Separator;
        }
        match character {
            _ if is_invisible(character) => Role::Invisible,
            _ if is_combining_mark(character) => Role::Mark,
            _ if !character.is_alphanumeric() => Role::Separator,
            _ if is_spaceless(character) => Role::Word,
            _ => Role::Letter,
        }
    }
}

/// Soft hyphens, zero-width spaces and joiners, direction and byte order marks: one cannot see whether they are there.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Characters of scripts written without spaces between words.
fn is_spaceless(character: char) -> bool {
    matches!(character,
        '\u{e00}'..='\u{eff}'          // Thai, Lao
        | '\u{1000}'..='\u{109f}'      // Myanmar
        | '\u{1780}'..='\u{17ff}'      // Khmer
        | '\u{3005}'..='\u{3007}'      // marks that stand for an ideograph
        | '\u{3040}'..='\u{30ff}'      // Hiragana, Katakana
        | '\u{31f0}'..='\u{31ff}'      // Katakana, small
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_punctuation_and_spaces_do_not_count() {
        for text in [
            "the cat sat",
            "The cat -- sat.",
            "\n THE\tcat (sat)",
            "the cat\u{a0}sat \u{1f600}",
        ] {
            assert_eq!(normalise(text), "the cat sat", "{text:?}");
        }
    }

    #[test]
    fn invisible_characters_do_not_split_words() {
        assert_eq!(
            normalise("hy\u{ad}phen\u{200b}ation \u{feff}mark"),
            "hyphenation mark"
        );
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same() {
        assert_eq!(
            normalise("Cafe\u{301} \u{ff21}\u{ff22}"),
            normalise("caf\u{e9} ab")
        );
    }

    #[test]
    fn marks_stay_with_their_letter() {
        assert_eq!(normalise("क्षत्रिय"), "क्षत्रिय");
        assert_eq!(normalise("ที่นี่"), "ที่ นี่");
    }

    #[test]
    fn text_without_words_is_empty() {
        for text in ["", "  \n", "*** --- !!!", "\u{1f600}\u{2014}"] {
            assert_eq!(normalise(text), "", "{text:?}");
        }
    }

    #[test]
    fn what_is_appended_has_no_space_before_it() {
        let mut out = "one ".to_owned();
        normalise_into(" ...two", &mut out);
        assert_eq!(out, "one two");
    }
}
