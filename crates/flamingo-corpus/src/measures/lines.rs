//! Measures of lines and paragraphs: how they start and end, and which were there before.

use flamingo_page::{Kind, Text};
use xxhash_rust::xxh3::xxh3_64;

use super::characters::is_closing;
use super::numbering::Numbering;
use super::text::{TextMeasures, share};

/// Writes the measures that count lines and paragraphs.
pub(super) fn measure(texts: &[&Text], into: &mut TextMeasures) {
    let mut lines = Lines::default();
    let mut line_copies = Copies::with_capacity(texts.len());
    let mut paragraph_copies = Copies::with_capacity(texts.len());
    for text in texts {
        paragraph_copies.add(&text.text);
        let several = text.text.lines().map(str::trim);
        for line in several.filter(|line| !line.is_empty()) {
            lines.add(line, text.kind);
            line_copies.add(line);
        }
    }
    into.paragraphs = texts.len() as u32;
    into.lines = lines.all as u32;
    into.finished_lines = share(lines.finished, lines.all);
    into.bullet_lines = share(lines.bullets, lines.all);
    into.ellipsis_lines = share(lines.ellipses, lines.all);
    (into.duplicate_lines, into.duplicate_line_characters) = line_copies.shares();
    (
        into.duplicate_paragraphs,
        into.duplicate_paragraph_characters,
    ) = paragraph_copies.shares();
}

#[derive(Default)]
struct Lines {
    all: usize,
    finished: usize,
    bullets: usize,
    ellipses: usize,
}

impl Lines {
    fn add(&mut self, line: &str, kind: Kind) {
        let ellipsis = line.ends_with('…') || line.ends_with("...");
        self.all += 1;
        self.ellipses += usize::from(ellipsis);
        self.finished += usize::from(!ellipsis && is_finished(line));
        self.bullets += usize::from(kind == Kind::Item || line.starts_with(is_bullet));
    }
}

/// A line that ends in a full stop, exclamation or question mark or closing quote (C4).
fn is_finished(line: &str) -> bool {
    let marks = [
        '.', '!', '?', '。', '！', '？', '؟', '।', '"', '”', '’', '»', '\'', '“', '」',
    ];
    line.ends_with(marks) || line.trim_end_matches(is_closing).ends_with(&marks[..8])
}

fn is_bullet(c: char) -> bool {
    matches!(
        c,
        '•' | '‣' | '◦' | '⁃' | '▪' | '●' | '○' | '∙' | '·' | '-' | '–' | '*' | '►' | '■'
    )
}

/// How much of a list of strings was there before.
struct Copies {
    seen: Numbering,
    all: usize,
    copies: usize,
    bytes: usize,
    copied_bytes: usize,
}

impl Copies {
    fn with_capacity(strings: usize) -> Self {
        Self {
            seen: Numbering::with_capacity(strings),
            all: 0,
            copies: 0,
            bytes: 0,
            copied_bytes: 0,
        }
    }

    fn add(&mut self, text: &str) {
        let (_, seen) = self.seen.count(xxh3_64(text.as_bytes()));
        self.all += 1;
        self.copies += usize::from(seen);
        self.bytes += text.len();
        self.copied_bytes += if seen { text.len() } else { 0 };
    }

    /// The share of strings, and of their bytes.
    fn shares(&self) -> (f32, f32) {
        let strings = share(self.copies, self.all);
        (strings, share(self.copied_bytes, self.bytes))
    }
}
