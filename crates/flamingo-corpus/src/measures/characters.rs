//! Classes of characters, and the measures that count them.

use std::sync::LazyLock;

use flamingo_page::Text;

use super::numbering::repeated;
use super::text::{TextMeasures, share};

/// Characters that measures of repetition look at; what is behind them of a longer document is not
/// looked at, which bounds their memory.
pub(super) const MOST_CHARACTERS: usize = 1 << 20;

/// Characters in a run whose repetition is counted (OBELICS).
const RUN: usize = 10;

/// What a character is, as bits.
pub(super) mod class {
    /// Neither a letter nor a mark on one: whitespace, digits, punctuation, symbols, emoji.
    pub(in super::super) const SPECIAL: u8 = 1;
    /// Part of a word among marks: letters, digits, `_` and apostrophes.
    pub(in super::super) const WORDY: u8 = 2;
    /// A mark of punctuation.
    pub(in super::super) const MARK: u8 = 4;
    /// A curly bracket.
    pub(in super::super) const CURLY: u8 = 8;
    /// A hash, a full stop or an ellipsis: what symbols are made of.
    pub(in super::super) const SYMBOL: u8 = 16;
}

/// The classes of ASCII, looked up for most of all text.
static ASCII: LazyLock<[u8; 128]> =
    LazyLock::new(|| std::array::from_fn(|byte| classify(char::from(byte as u8))));

/// The class of a character.
#[inline]
pub(super) fn class_of(c: char, ascii: &[u8; 128]) -> u8 {
    match ascii.get(c as usize) {
        Some(&class) => class,
        None => classify(c),
    }
}

/// The classes of ASCII, to be fetched once for a text.
pub(super) fn ascii() -> &'static [u8; 128] {
    &ASCII
}

fn classify(c: char) -> u8 {
    if is_common_letter(c) {
        return class::WORDY;
    }
    if let '\u{2010}'..='\u{201f}' = c {
        // Dashes and quotes, of which the closing single one is the apostrophe.
        let wordy = if c == '’' { class::WORDY } else { 0 };
        return class::SPECIAL | wordy;
    }
    let wordy = c.is_alphanumeric() || matches!(c, '_' | '\'' | '’');
    let bits = [
        (is_special(c), class::SPECIAL),
        (wordy, class::WORDY),
        (!wordy && is_punctuation(c), class::MARK),
        (matches!(c, '{' | '}'), class::CURLY),
        (matches!(c, '#' | '.' | '…'), class::SYMBOL),
    ];
    let given = bits.into_iter().filter(|(is, _)| *is);
    given.map(|(_, bit)| bit).sum()
}

/// Ranges of nothing but letters, which spares most text of other scripts the tables of Unicode.
fn is_common_letter(c: char) -> bool {
    matches!(c,
        'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ɏ' | 'А'..='ҁ' | 'Ѐ'..='Џ' | 'Ҋ'..='ԯ'
        | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '\u{4e00}'..='\u{9fff}' | '가'..='힣')
}

/// Neither a letter nor a mark on one: whitespace, digits, punctuation, symbols, emoji (OBELICS).
pub(crate) fn is_special(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_alphabetic();
    }
    match c {
        '\u{80}'..='\u{bf}' => !matches!(c, 'ª' | 'µ' | 'º'),
        '×' | '÷' => true,
        '\u{2000}'..='\u{2bff}' => !c.is_alphabetic(),
        '\u{3000}'..='\u{303f}' => !c.is_alphabetic(),
        '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe6f}' => true,
        '\u{ff00}'..='\u{ffff}' => !c.is_alphabetic(),
        '\u{1f000}'..='\u{1faff}' => true,
        _ => c.is_whitespace() || c.is_numeric(),
    }
}

/// A mark that ends a sentence.
pub(super) fn ends_sentence(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？' | '؟' | '।')
}

/// A mark that closes what stands before it.
pub(super) fn is_closing(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '”' | '’' | '»' | '«' | '“' | '‘' | '」' | '』'
    ) || matches!(c, ')' | ']' | '）')
}

/// A mark of punctuation: OBELICS' six, and what stands for them in other scripts.
fn is_punctuation(c: char) -> bool {
    match c {
        '.' | ',' | ';' | ':' | '!' | '?' => true,
        '、' | '，' | '；' | '：' | '،' | '؛' => true,
        _ => ends_sentence(c),
    }
}

/// Writes the measures that count characters.
pub(super) fn measure(texts: &[&Text], into: &mut TextMeasures) {
    let ascii = ascii();
    let mut counts = Counts::default();
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            counts.add(class::SPECIAL);
        }
        for c in text.text.chars() {
            counts.add(class_of(c, ascii));
        }
        counts.before = 0;
    }
    into.characters = counts.characters as u32;
    into.special_characters = share(counts.special, counts.characters);
    into.curly_brackets = counts.curly as u32;
    into.words_and_marks = (counts.words + counts.marks) as u32;
    into.punctuation = share(counts.marks, counts.words + counts.marks);
}

/// Writes the measure of repeated runs of characters.
pub(super) fn measure_runs(texts: &[&Text], into: &mut TextMeasures) {
    let bytes: usize = texts.iter().map(|text| text.text.len() + 1).sum();
    let mut runs = Runs::with_capacity(bytes.min(MOST_CHARACTERS));
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            runs.add('\n');
        }
        text.text.chars().for_each(|c| runs.add(c));
    }
    into.character_repetition = runs.repetition();
}

#[derive(Default)]
struct Counts {
    characters: usize,
    special: usize,
    curly: usize,
    words: usize,
    marks: usize,
    /// The class of the character before.
    before: u8,
}

impl Counts {
    #[inline]
    fn add(&mut self, class: u8) {
        let has = |bit: u8| usize::from(class & bit != 0);
        self.characters += 1;
        self.special += has(class::SPECIAL);
        self.curly += has(class::CURLY);
        self.marks += has(class::MARK);
        self.words += usize::from(class & !self.before & class::WORDY != 0);
        self.before = class;
    }
}

/// The hashes of the runs of [`RUN`] characters: that of all characters up to a run's end, less
/// that up to its start.
struct Runs {
    hashes: Vec<u64>,
    /// The hash of all characters so far.
    hash: u64,
    /// What it was after each of the last characters.
    before: [u64; 16],
    seen: usize,
}

const BASE: u64 = 0x9ddf_ea08_eb38_2d69;

impl Runs {
    fn with_capacity(characters: usize) -> Self {
        Self {
            hashes: Vec::with_capacity(characters),
            hash: 0,
            before: [0; 16],
            seen: 0,
        }
    }

    #[inline]
    fn add(&mut self, c: char) {
        const LEAVING: u64 = BASE.wrapping_pow(RUN as u32);
        if self.seen == MOST_CHARACTERS {
            return;
        }
        self.before[self.seen % 16] = self.hash;
        self.hash = self.hash.wrapping_mul(BASE).wrapping_add(c as u64);
        self.seen += 1;
        if self.seen >= RUN {
            let before = self.before[(self.seen - RUN) % 16];
            let run = self.hash.wrapping_sub(before.wrapping_mul(LEAVING));
            self.hashes.push(run);
        }
    }

    /// The share of runs that the most frequent ones take.
    fn repetition(self) -> f32 {
        let mut counts = repeated(&self.hashes);
        let copies: u64 = counts.iter().map(|&count| u64::from(count) - 1).sum();
        let most = (self.hashes.len() - copies as usize).isqrt();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let of_most: u64 = counts
            .iter()
            .take(most)
            .map(|&count| u64::from(count))
            .sum();
        share(of_most as usize, self.hashes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_letters_are_letters_and_nothing_else() {
        for c in ('\0'..=char::MAX).filter(|&c| is_common_letter(c)) {
            assert!(c.is_alphabetic() && !is_special(c), "{c:?}");
        }
    }

    #[test]
    fn dashes_and_quotes_are_special_and_no_marks() {
        for c in '\u{2010}'..='\u{201f}' {
            assert!(
                is_special(c) && !is_punctuation(c) && !c.is_alphanumeric(),
                "{c:?}"
            );
        }
    }

    #[test]
    fn no_letter_of_any_script_but_symbols_is_special() {
        let is_letter = |c: char| c.is_alphabetic() && !('\u{e000}'..='\u{ffff}').contains(&c);
        let special: Vec<char> = ('\0'..='\u{1efff}')
            .filter(|&c| is_letter(c) && is_special(c))
            .collect();
        assert!(special.iter().all(|c| c.is_numeric()), "{special:?}");
    }
}
