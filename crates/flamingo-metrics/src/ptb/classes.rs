//! Characters as the tokeniser tells them apart: one byte each. ASCII stands for itself; all else is one of
//! some thirty classes.
//!
//! The tokeniser reads UTF-16, as Java does, so that a character beyond the first 65,536 is two units, both of
//! the class [`OTHER`].

use std::sync::LazyLock;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, HirKind};

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        $($(#[$doc])* pub(super) const $name: u8 = $value;)*
    };
}

classes! {
    /// What has no rule of its own.
    OTHER = 0x80;
    /// A letter in upper case.
    UPPER = 0x81;
    /// Any other letter.
    LETTER = 0x82;
    /// What may stand in a word though it is no letter: accents by themselves, vowel signs.
    IN_WORD = 0x83;
    SOFT_HYPHEN = 0x84;
    /// A decimal digit.
    DIGIT = 0x85;
    /// Letters that are `k`, `s` and `i` where case is no matter: Kelvin's sign, long s, the Turkish two.
    KELVIN = 0x86;
    LONG_S = 0x87;
    DOTTED_I = 0x88;
    DOTLESS_I = 0x89;
    NO_BREAK_SPACE = 0x8a;
    /// Other spaces.
    SPACE = 0x8b;
    NEXT_LINE = 0x8c;
    /// The separators of lines and paragraphs.
    SEPARATOR = 0x8d;
    /// Closing single quotes.
    APOSTROPHE = 0x8e;
    /// Opening single quotes, which stand for an apostrophe at times.
    OPENING = 0x8f;
    /// Other quotes.
    QUOTE = 0x90;
    /// Long dashes.
    DASH = 0x91;
    /// Hyphens of other kinds.
    HYPHEN = 0x92;
    /// Signs before a raised or lowered number.
    RAISED_SIGN = 0x93;
    RAISED_DIGIT = 0x94;
    LOWERED_DIGIT = 0x95;
    /// A fraction in one character.
    FRACTION = 0x96;
    FRACTION_SLASH = 0x97;
    CURRENCY = 0x98;
    /// What separates groups of Arabic digits.
    DIGIT_SEPARATOR = 0x99;
    /// The ideographic comma.
    COMMA = 0x9a;
    ELLIPSIS = 0x9b;
    /// Full stops of other scripts, and Spanish opening marks.
    STOP = 0x9c;
    /// What is passed over without a word: marks of direction, spaces of no width.
    IGNORED = 0x9d;
    /// Symbols that are tokens.
    SYMBOL = 0x9e;
    /// Roman numerals and circled letters in upper case, which are no letters; the circled ones are symbols.
    ROMAN = 0x9f;
    CIRCLED = 0xa0;
}

type Ranges = &'static [(u16, u16)];

/// The characters of each class that are no letters and digits of Unicode.
const LISTED: &[(u8, Ranges)] = &[
    (
        SYMBOL,
        &[
            (0xa6, 0xa9),
            (0xac, 0xac),
            (0xae, 0xb1),
            (0xb4, 0xb8),
            (0xd7, 0xd7),
            (0xf7, 0xf7),
            (0x387, 0x387),
            (0x5be, 0x5be),
            (0x5c0, 0x5c0),
            (0x5c3, 0x5c3),
            (0x5c6, 0x5c6),
            (0x5f3, 0x5f4),
            (0x600, 0x603),
            (0x606, 0x60a),
            (0x60c, 0x60c),
            (0x614, 0x614),
            (0x61b, 0x61b),
            (0x61e, 0x61e),
            (0x66a, 0x66a),
            (0x66d, 0x66d),
            (0x703, 0x70d),
            (0x7f6, 0x7f8),
            (0x964, 0x965),
            (0xe4f, 0xe4f),
            (0x1fbd, 0x1fbd),
            (0x2016, 0x2017),
            (0x2020, 0x2023),
            (0x2030, 0x2038),
            (0x203b, 0x203b),
            (0x203e, 0x2042),
            (0x207c, 0x207f),
            (0x208c, 0x208e),
            (0x2100, 0x214f),
            (0x2190, 0x2bff),
            (0x3012, 0x3012),
            (0x30fb, 0x30fb),
            (0xff01, 0xff0f),
            (0xff1a, 0xff20),
            (0xff3b, 0xff40),
            (0xff5b, 0xff65),
        ],
    ),
    (ROMAN, &[(0x2160, 0x216f)]),
    (CIRCLED, &[(0x24b6, 0x24cf)]),
    (
        IN_WORD,
        &[
            (0x237, 0x24f),
            (0x2c2, 0x2c5),
            (0x2d2, 0x2df),
            (0x2e5, 0x2ff),
            (0x300, 0x37d),
            (0x384, 0x385),
            (0x3cf, 0x3cf),
            (0x3f6, 0x3f6),
            (0x3fc, 0x3ff),
            (0x483, 0x487),
            (0x4cf, 0x4cf),
            (0x4f6, 0x4ff),
            (0x510, 0x525),
            (0x55a, 0x55f),
            (0x591, 0x5bd),
            (0x5bf, 0x5bf),
            (0x5c1, 0x5c2),
            (0x5c4, 0x5c5),
            (0x5c7, 0x5c7),
            (0x615, 0x61a),
            (0x63b, 0x63f),
            (0x64b, 0x65e),
            (0x670, 0x670),
            (0x6d6, 0x6ef),
            (0x6fa, 0x6ff),
            (0x70f, 0x70f),
            (0x711, 0x711),
            (0x730, 0x74f),
            (0x750, 0x77f),
            (0x7a6, 0x7b1),
            (0x7ca, 0x7f5),
            (0x7fa, 0x7fa),
            (0x900, 0x903),
            (0x93c, 0x93c),
            (0x93e, 0x94e),
            (0x951, 0x955),
            (0x962, 0x963),
            (0x981, 0x983),
            (0x9bc, 0x9c4),
            (0x9c7, 0x9c8),
            (0x9cb, 0x9cd),
            (0x9d7, 0x9d7),
            (0x9e2, 0x9e3),
            (0xa01, 0xa03),
            (0xa3c, 0xa3c),
            (0xa3e, 0xa4f),
            (0xa81, 0xa83),
            (0xabc, 0xacf),
            (0xb82, 0xb82),
            (0xbbe, 0xbc2),
            (0xbc6, 0xbc8),
            (0xbca, 0xbcd),
            (0xc01, 0xc03),
            (0xc3e, 0xc56),
            (0xd3e, 0xd44),
            (0xd46, 0xd48),
            (0xe30, 0xe3a),
            (0xe47, 0xe4e),
            (0xeb1, 0xebc),
            (0xec8, 0xecd),
        ],
    ),
    (SOFT_HYPHEN, &[(0xad, 0xad)]),
    (NO_BREAK_SPACE, &[(0xa0, 0xa0)]),
    (SPACE, &[(0x2000, 0x200a), (0x3000, 0x3000)]),
    (NEXT_LINE, &[(0x85, 0x85)]),
    (SEPARATOR, &[(0x2028, 0x2029)]),
    (APOSTROPHE, &[(0x92, 0x92), (0x2019, 0x2019)]),
    (OPENING, &[(0x91, 0x91), (0x2018, 0x2018), (0x201b, 0x201b)]),
    (
        QUOTE,
        &[
            (0x93, 0x94),
            (0xab, 0xab),
            (0xbb, 0xbb),
            (0x201a, 0x201a),
            (0x201c, 0x201f),
            (0x2039, 0x203a),
        ],
    ),
    (DASH, &[(0x96, 0x97), (0x2013, 0x2015)]),
    (HYPHEN, &[(0x58a, 0x58a), (0x2010, 0x2011)]),
    (RAISED_SIGN, &[(0x207a, 0x207b), (0x208a, 0x208b)]),
    (
        RAISED_DIGIT,
        &[
            (0xb2, 0xb3),
            (0xb9, 0xb9),
            (0x2070, 0x2070),
            (0x2074, 0x2079),
        ],
    ),
    (LOWERED_DIGIT, &[(0x2080, 0x2089)]),
    (FRACTION, &[(0xbc, 0xbe), (0x2153, 0x215e)]),
    (FRACTION_SLASH, &[(0x2044, 0x2044)]),
    (
        CURRENCY,
        &[
            (0x80, 0x80),
            (0xa2, 0xa5),
            (0x60b, 0x60b),
            (0xe3f, 0xe3f),
            (0x20a0, 0x20a0),
            (0x20a4, 0x20a4),
            (0x20ac, 0x20ac),
            (0xffe0, 0xffe1),
            (0xffe5, 0xffe6),
        ],
    ),
    (DIGIT_SEPARATOR, &[(0x66b, 0x66c)]),
    (COMMA, &[(0x3001, 0x3001)]),
    (ELLIPSIS, &[(0x2026, 0x2026)]),
    (
        STOP,
        &[
            (0xa1, 0xa1),
            (0xbf, 0xbf),
            (0x37e, 0x37e),
            (0x589, 0x589),
            (0x61f, 0x61f),
            (0x6d4, 0x6d4),
            (0x700, 0x702),
            (0x3002, 0x3002),
        ],
    ),
    (
        IGNORED,
        &[(0x200b, 0x200b), (0x200e, 0x200f), (0xfeff, 0xfeff)],
    ),
];

/// What Unicode says of a character; the tokeniser knows the version that its generator knew.
const OF_UNICODE: [(u8, &str); 3] = [
    (LETTER, r"[\p{L}&&\p{Age:6.3}]"),
    (UPPER, r"[\p{Lu}&&\p{Age:6.3}]"),
    (DIGIT, r"[\p{Nd}&&\p{Age:6.3}]"),
];

/// Characters that Unicode took for something else then.
const TAKEN_OTHERWISE: [(u8, u16, u16); 5] = [
    (LETTER, 0x1885, 0x1886),
    (OTHER, 0x19b0, 0x19c0),
    (OTHER, 0x19c8, 0x19c9),
    (OTHER, 0x1cf2, 0x1cf3),
    (LETTER, 0x13a0, 0x13f4),
];

const LIKE_ASCII: [(u8, u16); 4] = [
    (KELVIN, 0x212a),
    (LONG_S, 0x17f),
    (DOTTED_I, 0x130),
    (DOTLESS_I, 0x131),
];

static CLASSES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut classes = vec![OTHER; 1 << 16];
    for (class, ranges) in LISTED {
        for &(first, last) in *ranges {
            classes[usize::from(first)..=usize::from(last)].fill(*class);
        }
    }
    for (class, pattern) in OF_UNICODE {
        let parsed = ParserBuilder::new().build().parse(pattern);
        let hir = parsed.expect("a pattern of one class");
        let HirKind::Class(Class::Unicode(ranges)) = hir.kind() else {
            unreachable!("{pattern} is a class");
        };
        for range in ranges.iter() {
            let (first, last) = (range.start() as usize, range.end() as usize);
            if first < classes.len() {
                let last = last.min(classes.len() - 1);
                classes[first..=last].fill(class);
            }
        }
    }
    for (class, first, last) in TAKEN_OTHERWISE {
        classes[usize::from(first)..=usize::from(last)].fill(class);
    }
    for (class, unit) in LIKE_ASCII {
        classes[usize::from(unit)] = class;
    }
    for ascii in 0..0x80_u8 {
        classes[usize::from(ascii)] = ascii;
    }
    classes
});

/// The class of a unit of UTF-16.
pub(super) fn class(unit: u16) -> u8 {
    CLASSES[usize::from(unit)]
}
