//! Classes of characters, and the measures that count them.

use flamingo_page::Text;

use super::numbering::Numbering;
use super::{TextMeasures, share};

/// Characters that measures of repetition look at; what is behind them of a longer document is not
/// looked at, which bounds their memory.
pub(super) const MOST_CHARACTERS: usize = 1 << 20;

/// Characters in a run whose repetition is counted (OBELICS).
const RUN: usize = 10;

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
    let mut counts = Counts::default();
    let bytes: usize = texts.iter().map(|text| text.text.len()).sum();
    let mut runs = Runs::with_capacity(bytes.min(MOST_CHARACTERS));
    for (at, text) in texts.iter().enumerate() {
        let between = if at == 0 { "" } else { "\n" };
        for c in between.chars().chain(text.text.chars()) {
            counts.add(c);
            runs.add(c);
        }
        counts.in_word = false;
    }
    into.characters = counts.characters as u32;
    into.special_characters = share(counts.special, counts.characters);
    into.curly_brackets = counts.curly as u32;
    into.words_and_marks = (counts.words + counts.marks) as u32;
    into.punctuation = share(counts.marks, counts.words + counts.marks);
    into.character_repetition = runs.repetition();
}

#[derive(Default)]
struct Counts {
    characters: usize,
    special: usize,
    curly: usize,
    words: usize,
    marks: usize,
    in_word: bool,
}

impl Counts {
    fn add(&mut self, c: char) {
        self.characters += 1;
        self.special += usize::from(is_special(c));
        self.curly += usize::from(matches!(c, '{' | '}'));
        let wordy = c.is_alphanumeric() || matches!(c, '_' | '\'' | '’');
        self.words += usize::from(wordy && !self.in_word);
        self.marks += usize::from(!wordy && is_punctuation(c));
        self.in_word = wordy;
    }
}

/// The runs of [`RUN`] characters, by a rolling hash.
struct Runs {
    numbering: Numbering,
    hash: u64,
    window: [u32; RUN],
    seen: usize,
}

const BASE: u64 = 0x9ddf_ea08_eb38_2d69;

impl Runs {
    fn with_capacity(characters: usize) -> Self {
        Self {
            numbering: Numbering::with_capacity(characters),
            hash: 0,
            window: [0; RUN],
            seen: 0,
        }
    }

    fn add(&mut self, c: char) {
        const LEAVING: u64 = BASE.wrapping_pow(RUN as u32);
        if self.seen == MOST_CHARACTERS {
            return;
        }
        let old = std::mem::replace(&mut self.window[self.seen % RUN], c as u32);
        let left = u64::from(old).wrapping_mul(LEAVING);
        let moved = self.hash.wrapping_mul(BASE).wrapping_add(c as u64);
        self.hash = moved.wrapping_sub(left);
        self.seen += 1;
        if self.seen >= RUN {
            self.numbering.count(self.hash);
        }
    }

    /// The share of runs that the most frequent ones take.
    fn repetition(self) -> f32 {
        let different = self.numbering.counts().len();
        let mut repeated: Vec<u32> = self.numbering.counts().to_vec();
        repeated.retain(|&count| count > 1);
        repeated.sort_unstable_by(|a, b| b.cmp(a));
        let most = different.isqrt();
        let of_most: u64 = repeated
            .iter()
            .take(most)
            .map(|&count| u64::from(count))
            .sum();
        share(of_most as usize, (self.seen + 1).saturating_sub(RUN))
    }
}
