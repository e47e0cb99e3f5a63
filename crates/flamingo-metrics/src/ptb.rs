//! The tokeniser of coco-caption: Stanford's PTBTokenizer 3.4.1 with `-preserveLines -lowerCase`, over all
//! captions at once, without marks.
//!
//! Agrees with `PTBTokenizer` of pycocoevalcap 1.2 (salaniz/pycocoevalcap ad63453cfab5). All captions are one
//! text, a caption a line, so the first word of the next caption can change the last token of one. Rules are
//! [patterns over classes of characters](rules); the longest match counts.

mod classes;
mod rules;
mod scan;
mod written;

use crate::python::is_space;
use scan::scan;

/// Tokens that are no words of a caption. Brackets stay: they are in lower case by then.
const MARKS: [&str; 17] = [
    "''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--",
    "...", ";",
];

/// What ends a line for the tokeniser besides the newline: carriage return, tabulator of lines, form feed, the
/// separators of lines and paragraphs. (U+0085 does not: it is three full stops.)
const LINE_ENDS: [char; 5] = ['\r', '\u{b}', '\u{c}', '\u{2028}', '\u{2029}'];

/// What happens to a caption that holds the end of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnds {
    /// It becomes a space, as a newline does, and is [told](Tokenised::with_line_ends). The default.
    #[default]
    Space,
    /// It ends the caption there; the rest is taken for the next one, and all that follow are shifted: the
    /// official code.
    Shift,
}

/// The tokeniser.
#[derive(Clone, Copy, Debug, Default)]
pub struct PtbTokenizer {
    /// What happens to a caption that holds the end of a line.
    pub line_ends: LineEnds,
}

/// Captions as words between single spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokenised {
    /// One for each caption, as long as no line end shifts them: then there may be fewer.
    pub captions: Vec<String>,
    /// Which captions hold the end of a line.
    pub with_line_ends: Vec<usize>,
}

impl PtbTokenizer {
    /// The tokens of captions, in order.
    #[must_use]
    pub fn tokenize<S: AsRef<str>>(&self, captions: &[S]) -> Tokenised {
        let with_line_ends = (0..captions.len())
            .filter(|&index| captions[index].as_ref().contains(LINE_ENDS))
            .collect();
        let lines = captions.iter().map(|caption| {
            let caption = caption.as_ref().replace('\n', " ");
            match self.line_ends {
                LineEnds::Space => caption.replace(LINE_ENDS, " "),
                LineEnds::Shift => caption,
            }
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let written = tokens(&text);
        Tokenised {
            captions: written
                .split('\n')
                .take(captions.len())
                .map(without_marks)
                .collect(),
            with_line_ends,
        }
    }
}

/// A text's tokens in lower case, between single spaces, a line a line: what the tool writes.
#[must_use]
pub fn tokens(text: &str) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut line_begins = true;
    scan(&units, |token| {
        if token.writes == rules::Writes::Line {
            out.push('\n');
            line_begins = true;
        } else if let Some(written) = written::written(&units[token.start..token.end], token.writes)
        {
            if !line_begins {
                out.push(' ');
            }
            line_begins = false;
            out.push_str(&written.to_lowercase());
        }
    });
    out
}

fn without_marks(line: &str) -> String {
    let words = line
        .trim_end_matches(is_space)
        .split(' ')
        .filter(|word| !MARKS.contains(word));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn official(captions: &[&str]) -> Vec<String> {
        let tokenizer = PtbTokenizer {
            line_ends: LineEnds::Shift,
        };
        tokenizer.tokenize(captions).captions
    }

    #[test]
    fn clitics_are_words_and_marks_go() {
        assert_eq!(
            official(&["A goat's bell, isn't it?"]),
            ["a goat 's bell is n't it"]
        );
    }

    #[test]
    fn brackets_stay_as_words() {
        assert_eq!(
            official(&["Goats (two) [grey]"]),
            ["goats -lrb- two -rrb- -lsb- grey -rsb-"]
        );
    }

    #[test]
    fn the_next_caption_decides_whether_initials_end_a_sentence() {
        assert_eq!(official(&["goat B.", "The hill"])[0], "goat b");
        assert_eq!(official(&["goat B.", "the hill"])[0], "goat b.");
    }

    #[test]
    fn a_line_separator_is_told_and_shifts_nothing_by_default() {
        let captions = ["A goat\u{2028}stands.", "A hill."];
        let tokenised = PtbTokenizer::default().tokenize(&captions);
        assert_eq!(tokenised.captions, ["a goat stands", "a hill"]);
        assert_eq!(tokenised.with_line_ends, [0]);
        assert_eq!(official(&captions), ["a goat", "stands"]);
    }
}
