//! Words as numbers: each text is split once, and what is asked of words is asked of their numbers.

use flamingo_page::Text;

use super::characters::{ascii, class, class_of, ends_sentence, is_closing, is_special};
use super::lexicon::{Lists, Mark, fold, fold_ascii};
use super::numbering::Numbering;
use super::text::{TextMeasures, share};

/// The words of a text in order.
#[derive(Default)]
pub(super) struct Words {
    /// The number of each word; the same word has the same number.
    pub(super) numbers: Vec<u32>,
    /// Characters of the word of each number.
    pub(super) lengths: Vec<u32>,
    /// What the lists say of the word of each number.
    marks: Vec<Mark>,
    /// What whitespace separates.
    tokens: usize,
    /// Those with a letter.
    alphabetic: usize,
    sentences: usize,
    hashes: usize,
    ellipses: usize,
    filler: u32,
}

impl Words {
    pub(super) fn of(texts: &[&Text], lists: &Lists) -> Self {
        let bytes: usize = texts.iter().map(|text| text.text.len()).sum();
        let mut reader = Reader {
            words: Self::default(),
            numbering: Numbering::with_capacity((bytes / 12).min(1 << 16)),
            lists,
            ascii: ascii(),
            previous: 0,
        };
        reader.words.numbers.reserve(bytes / 5);
        texts.iter().for_each(|text| reader.text(&text.text));
        reader.words
    }

    /// Writes the measures that are about words.
    pub(super) fn measure(&self, into: &mut TextMeasures) {
        let words = self.numbers.len();
        let having = |mark: Mark| {
            let has = |&&number: &&u32| self.marks[number as usize].has(mark);
            share(self.numbers.iter().filter(has).count(), words)
        };
        let length = |&number: &u32| u64::from(self.lengths[number as usize]);
        let characters: u64 = self.numbers.iter().map(length).sum();
        into.words = words as u32;
        into.sentences = self.sentences as u32;
        into.word_length = (characters as f64 / words.max(1) as f64) as f32;
        into.alphabetic_words = share(self.alphabetic, self.tokens);
        into.symbols = share(self.hashes.max(self.ellipses), self.tokens);
        into.filler = self.filler;
        into.stop_words = having(Mark::STOP);
        into.flagged_words = having(Mark::FLAGGED);
        into.spam_words = having(Mark::SPAM);
        into.common_words = having(Mark::COMMON);
        // Each number is a different word, so this counts different markers.
        into.marker_words = self.marks.iter().filter(|m| m.has(Mark::MARKER)).count() as u32;
    }
}

struct Reader<'a> {
    words: Words,
    numbering: Numbering,
    lists: &'a Lists,
    /// The classes of ASCII.
    ascii: &'static [u8; 128],
    /// The hash of the word before.
    previous: u64,
}

impl Reader<'_> {
    fn text(&mut self, text: &str) {
        // Splitting at ASCII's spaces is faster, and those are all that most text has.
        for token in text.split_ascii_whitespace() {
            if token.bytes().all(|byte| byte.is_ascii_alphabetic()) {
                self.words.tokens += 1;
                self.words.alphabetic += 1;
                self.word(fold_ascii(token.as_bytes()), token.len());
            } else if token.is_ascii() {
                self.ascii_token(token);
            } else {
                token.split_whitespace().for_each(|token| self.token(token));
            }
        }
    }

    /// What stands between two spaces, of ASCII alone.
    fn ascii_token(&mut self, token: &str) {
        let bytes = token.as_bytes();
        self.words.tokens += 1;
        let first = bytes.iter().position(u8::is_ascii_alphabetic);
        let last = bytes.iter().rposition(u8::is_ascii_alphabetic);
        let (Some(first), Some(last)) = (first, last) else {
            self.symbols(token);
            return;
        };
        self.words.alphabetic += 1;
        if last + 1 < bytes.len() {
            self.words.sentences += usize::from(finishes(token));
        }
        let word = &bytes[first..=last];
        if word.len() < bytes.len() || !word.iter().all(u8::is_ascii_alphabetic) {
            self.symbols(token);
        }
        self.word(fold_ascii(word), word.len());
    }

    /// Counts hashes and ellipses.
    fn symbols(&mut self, token: &str) {
        let ascii = self.ascii;
        if !token
            .chars()
            .any(|c| class_of(c, ascii) & class::SYMBOL != 0)
        {
            return;
        }
        self.words.hashes += token.matches('#').count();
        self.words.ellipses += token.matches('…').count();
        if token.contains("..") {
            self.words.ellipses += token.matches("...").count();
        }
    }

    /// What stands between two spaces.
    fn token(&mut self, token: &str) {
        self.words.tokens += 1;
        self.words.alphabetic += usize::from(token.chars().any(char::is_alphabetic));
        self.words.sentences += usize::from(finishes(token));
        self.symbols(token);
        let ascii = self.ascii;
        let word = token.trim_matches(|c| class_of(c, ascii) & class::SPECIAL != 0);
        if word.contains(is_spaceless) {
            self.spaceless(word);
        } else if !word.is_empty() {
            self.word(fold(word), word.chars().count());
        }
    }

    /// A run of a script without spaces: each of its characters is a word.
    fn spaceless(&mut self, run: &str) {
        for part in run.split_inclusive(is_spaceless) {
            let cut = match part.char_indices().last() {
                Some((at, last)) if is_spaceless(last) => at,
                _ => part.len(),
            };
            let before = part[..cut].trim_matches(is_special);
            for word in [before, &part[cut..]] {
                if !word.is_empty() {
                    self.word(fold(word), word.chars().count());
                }
            }
        }
    }

    fn word(&mut self, hash: u64, length: usize) {
        let (number, seen) = self.numbering.count(hash);
        if !seen {
            self.words.lengths.push(length as u32);
            self.words.marks.push(self.lists.mark(hash));
        }
        let filler = self.previous == self.lists.lorem && hash == self.lists.ipsum;
        self.words.filler += u32::from(filler);
        self.previous = hash;
        self.words.numbers.push(number);
    }
}

/// Whether a token ends a sentence: a mark, closing quotes and brackets behind it left out.
fn finishes(token: &str) -> bool {
    let bare = token.trim_end_matches(is_closing);
    bare.ends_with(ends_sentence)
}

/// Characters of scripts that are written without spaces: Han, kana, Thai, Lao, Khmer, Burmese.
fn is_spaceless(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
