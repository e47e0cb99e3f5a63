//! Word lists: stop words, marker words, words of spam and flagged words of a language, and lists
//! that a configuration brings.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use serde::Deserialize;

/// The word lists of every language that has some, and what a configuration adds.
#[derive(Clone, Debug)]
pub struct Lexicon {
    languages: Vec<(&'static str, Lists)>,
    /// For all other languages: only what the configuration brings.
    other: Lists,
    fingerprint: u64,
}

/// The lists that are part of the program, by language.
const BUILT_IN: &[(&str, &str)] = &[
    ("de", include_str!("../filters/lists/de.toml")),
    ("en", include_str!("../filters/lists/en.toml")),
    ("es", include_str!("../filters/lists/es.toml")),
    ("fr", include_str!("../filters/lists/fr.toml")),
    ("it", include_str!("../filters/lists/it.toml")),
    ("nl", include_str!("../filters/lists/nl.toml")),
    ("pt", include_str!("../filters/lists/pt.toml")),
];

/// Words that a configuration brings.
#[derive(Clone, Debug, Default)]
pub struct OwnWords<'a> {
    /// Flagged words, in place of the built-in ones.
    pub flagged: Option<&'a str>,
    /// Common words.
    pub common: Option<&'a str>,
}

impl Lexicon {
    /// The built-in lists, with own ones: one word a line, `#` starts a comment.
    pub fn new(own: &OwnWords<'_>) -> Self {
        let mut other = Lists::default();
        other.add_lines(own.flagged.unwrap_or_default(), Mark::FLAGGED);
        other.add_lines(own.common.unwrap_or_default(), Mark::COMMON);
        let languages: Vec<_> = built_in()
            .iter()
            .map(|(code, file)| (*code, file.lists(own, &other)))
            .collect();
        let mut fingerprint = Fingerprint::default();
        languages
            .iter()
            .for_each(|(code, lists)| fingerprint.add(code, lists));
        fingerprint.add("", &other);
        Self {
            languages,
            other,
            fingerprint: fingerprint.0,
        }
    }

    /// What tells two lexicons apart.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The lists of a language.
    pub(super) fn language(&self, code: Option<&str>) -> &Lists {
        let found = self.languages.iter().find(|(own, _)| Some(*own) == code);
        found.map_or(&self.other, |(_, lists)| lists)
    }
}

impl Default for Lexicon {
    fn default() -> Self {
        Self::new(&OwnWords::default())
    }
}

/// A file `lists/LANGUAGE.toml`; words are separated by whitespace.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    marker_words: String,
    stop_words: String,
    spam_words: String,
    flagged_words: String,
}

impl File {
    fn lists(&self, own: &OwnWords<'_>, common: &Lists) -> Lists {
        let mut lists = common.clone();
        lists.add(self.marker_words.split_whitespace(), Mark::MARKER);
        lists.add(self.marker_words.split_whitespace(), Mark::STOP);
        lists.add(self.stop_words.split_whitespace(), Mark::STOP);
        lists.add(self.spam_words.split_whitespace(), Mark::SPAM);
        if own.flagged.is_none() {
            lists.add(self.flagged_words.split_whitespace(), Mark::FLAGGED);
        }
        lists
    }
}

fn built_in() -> &'static [(&'static str, File)] {
    static FILES: LazyLock<Vec<(&str, File)>> = LazyLock::new(|| {
        let read = |text| toml::from_str(text).expect("a built-in list is valid");
        BUILT_IN
            .iter()
            .map(|&(code, text)| (code, read(text)))
            .collect()
    });
    &FILES
}

/// What lists say of a word: a set of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark(u8);

impl Mark {
    pub(super) const STOP: Self = Self(1);
    pub(super) const MARKER: Self = Self(2);
    pub(super) const FLAGGED: Self = Self(4);
    pub(super) const SPAM: Self = Self(8);
    pub(super) const COMMON: Self = Self(16);

    pub(super) fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }
}

/// The marks of a language's words, by the hash of the word.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    marks: HashMap<u64, Mark, BuildHasherDefault<AsItIs>>,
    /// The hashes of the two words of filler text.
    pub(super) lorem: u64,
    pub(super) ipsum: u64,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            marks: HashMap::default(),
            lorem: fold("lorem"),
            ipsum: fold("ipsum"),
        }
    }
}

impl Lists {
    /// The marks of a word, by its [`fold`].
    pub(super) fn mark(&self, word: u64) -> Mark {
        self.marks.get(&word).copied().unwrap_or_default()
    }

    fn add<'a>(&mut self, words: impl Iterator<Item = &'a str>, mark: Mark) {
        for word in words {
            self.marks.entry(fold(word)).or_default().0 |= mark.0;
        }
    }

    fn add_lines(&mut self, text: &str, mark: Mark) {
        let bare = |line: &str| line.split('#').next().map(|word| word.trim().to_owned());
        let words: Vec<String> = text.lines().filter_map(bare).collect();
        self.add(
            words
                .iter()
                .map(String::as_str)
                .filter(|word| !word.is_empty()),
            mark,
        );
    }
}

/// A hash of a word in lower case.
pub(super) fn fold(word: &str) -> u64 {
    if word.is_ascii() {
        return fold_ascii(word.as_bytes());
    }
    let mut fold = Fold::default();
    let mut bytes = [0; 4];
    for lower in word.chars().flat_map(char::to_lowercase) {
        let bytes = lower.encode_utf8(&mut bytes).bytes();
        bytes.for_each(|byte| fold.add(byte));
    }
    fold.finish()
}

/// [`fold`] of a word of ASCII.
#[inline]
pub(super) fn fold_ascii(word: &[u8]) -> u64 {
    let mut fold = Fold::default();
    word.iter()
        .for_each(|byte| fold.add(byte.to_ascii_lowercase()));
    fold.finish()
}

/// A hash of bytes, eight at a time.
#[derive(Default)]
struct Fold {
    hash: u64,
    bytes: u64,
    count: u32,
}

impl Fold {
    #[inline]
    fn add(&mut self, byte: u8) {
        self.bytes = self.bytes << 8 | u64::from(byte);
        self.count += 1;
        if self.count.is_multiple_of(8) {
            self.mix();
        }
    }

    #[inline]
    fn mix(&mut self) {
        self.hash = (self.hash.rotate_left(23) ^ self.bytes).wrapping_mul(0x517c_c1b7_2722_0a95);
        self.bytes = 0;
    }

    #[inline]
    fn finish(mut self) -> u64 {
        self.mix();
        self.hash
    }
}

/// A sum over lists that does not depend on their order.
#[derive(Default)]
struct Fingerprint(u64);

impl Fingerprint {
    fn add(&mut self, code: &str, lists: &Lists) {
        let language = fold(code);
        for (word, mark) in &lists.marks {
            let one = (word ^ language).wrapping_mul(2 * u64::from(mark.0) + 1);
            self.0 = self.0.wrapping_add(one.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
    }
}

/// Keys are hashes already.
#[derive(Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.0 << 8 | u64::from(byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}
