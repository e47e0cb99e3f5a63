//! What the official code, which is Python, takes from Python: its spaces, digits, rounding, and how
//! pandas reads a column.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

/// Whether `str.split()` and `str.strip()` take a character for a space.
pub(crate) fn is_space(c: char) -> bool {
    // Unicode's spaces, and the four separators of ASCII.
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `str.split()`: the words between spaces.
pub(crate) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// `str.strip()`.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Which digits `\d` matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Digits {
    /// 0 to 9: Python 2.
    #[default]
    Ascii,
    /// The decimal digits of all scripts: Python 3.
    Unicode,
}

impl Digits {
    /// Whether `c` is one.
    #[must_use]
    pub fn contains(self, c: char) -> bool {
        static DECIMAL: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"^\d$").expect("a pattern of one class"));
        match (self, c.is_ascii()) {
            (_, true) => c.is_ascii_digit(),
            (Self::Ascii, false) => false,
            (Self::Unicode, false) => DECIMAL.is_match(c.encode_utf8(&mut [0; 4])),
        }
    }
}

/// Where `round()` puts a number that is exactly between two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Halves {
    /// 0.125 is 0.13: Python 2.
    #[default]
    AwayFromZero,
    /// 0.125 is 0.12: Python 3.
    ToEven,
}

/// `round(value, 2)`: the nearest number with two decimals.
#[must_use]
pub fn round2(value: f64, halves: Halves) -> f64 {
    // A binary fraction is between two hundredths only if it is an odd number of eighths.
    let eighths = value * 8.0;
    let tied = eighths.fract() == 0.0 && eighths.rem_euclid(2.0) == 1.0;
    if tied && halves == Halves::AwayFromZero {
        return (value * 100.0).round() / 100.0;
    }
    // Rust writes the nearest decimal, and the even one of two.
    format!("{value:.2}").parse().unwrap_or(value)
}

/// A cell of a CSV file as pandas gives it, when no type is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Missing: empty, or one of pandas' words for it. Never equal to anything.
    Missing,
    /// Part of a column of numbers or truth values, which no string is equal to.
    Value,
    /// A string.
    Text(String),
}

impl Cell {
    /// The string, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Missing | Self::Value => None,
        }
    }
}

/// pandas' words for a missing value.
pub(crate) fn is_missing(text: &str) -> bool {
    const MISSING: [&str; 19] = [
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
        "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    ];
    MISSING.contains(&text)
}

/// A column as pandas reads it: missing values go, and what is all numbers or all truth values is no
/// longer text.
pub(crate) fn column<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Vec<Cell> {
    let present: HashSet<&str> = cells.clone().filter(|cell| !is_missing(cell)).collect();
    let numbers = present.iter().all(|cell| is_number(cell));
    let truths = present.iter().all(|cell| is_truth(cell));
    cells
        .map(|cell| match cell {
            cell if is_missing(cell) => Cell::Missing,
            _ if numbers || truths => Cell::Value,
            cell => Cell::Text(cell.to_owned()),
        })
        .collect()
}

fn is_truth(text: &str) -> bool {
    ["true", "false"]
        .iter()
        .any(|truth| text.eq_ignore_ascii_case(truth))
}

fn is_number(text: &str) -> bool {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let infinite = ["inf", "infinity"].contains(&unsigned.to_ascii_lowercase().as_str());
    let begins = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    infinite || (begins && text.parse::<f64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_by_the_rule_of_each_python() {
        for (value, two, three) in [
            (0.125, 0.13, 0.12),
            (0.375, 0.38, 0.38),
            (-0.125, -0.13, -0.12),
            (2.675, 2.67, 2.67),
            (33.333_333, 33.33, 33.33),
            (62.5, 62.5, 62.5),
        ] {
            assert_eq!(round2(value, Halves::AwayFromZero), two);
            assert_eq!(round2(value, Halves::ToEven), three);
        }
    }

    #[test]
    fn digits_of_other_scripts_are_digits_to_python_3_alone() {
        assert!(Digits::Unicode.contains('٣') && !Digits::Ascii.contains('٣'));
        assert!(!Digits::Unicode.contains('²') && !Digits::Unicode.contains('½'));
    }

    #[test]
    fn a_column_of_numbers_holds_no_text_and_one_word_makes_it_text() {
        assert_eq!(
            column(["2", "3.5", "NA"].into_iter()),
            [Cell::Value, Cell::Value, Cell::Missing]
        );
        assert_eq!(
            column(["tRUE", "False"].into_iter()),
            [Cell::Value, Cell::Value]
        );
        assert_eq!(
            column(["2", "dog"].into_iter()),
            [Cell::Text("2".into()), Cell::Text("dog".into())]
        );
    }
}
