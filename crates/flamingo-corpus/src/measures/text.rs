//! The numbers of a text, which the passes over it fill in.

use serde::{Deserialize, Serialize};

/// The numbers of a text: counts, and shares from 0 to 1.
///
/// Words are what whitespace separates, without the special characters at their ends and in lower
/// case; of a script without spaces each character is one. Where papers leave a choice, the measure
/// says what is taken. Sources: OBELICS (arXiv 2306.16527, appendix A.2.3), Gopher's MassiveText
/// (arXiv 2112.11446, section A.1.1 and table A1), C4 (arXiv 1910.10683, section 2.2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextMeasures {
    /// Paragraphs: text parts.
    pub paragraphs: u32,
    /// Lines: those of all text parts.
    pub lines: u32,
    /// Characters, whitespace between words included.
    pub characters: u32,
    /// Words.
    pub words: u32,
    /// Sentences: words that end in a mark that ends a sentence.
    pub sentences: u32,
    /// Mean number of characters in a word.
    pub word_length: f32,
    /// Share of characters that are whitespace, digits, punctuation or symbols (OBELICS).
    pub special_characters: f32,
    /// `#` or ellipses, whichever are more, for each word (Gopher); at most 1.
    pub symbols: f32,
    /// Curly brackets (C4).
    pub curly_brackets: u32,
    /// Times that `lorem ipsum` stands in it (C4).
    pub filler: u32,
    /// Share of what whitespace separates that has a letter (Gopher).
    pub alphabetic_words: f32,
    /// Share of punctuation marks among words and marks (OBELICS).
    pub punctuation: f32,
    /// Words and marks of that share.
    pub words_and_marks: u32,
    /// Share of lines that end as a sentence does (C4).
    pub finished_lines: f32,
    /// Share of lines that start with a bullet or are items of a list (Gopher).
    pub bullet_lines: f32,
    /// Share of lines that end in an ellipsis (Gopher).
    pub ellipsis_lines: f32,
    /// Share of words that are stop words (OBELICS).
    pub stop_words: f32,
    /// How many of the language's eight marker words occur (Gopher: the, be, to, of, and, ...).
    pub marker_words: u32,
    /// Share of words that are flagged (OBELICS).
    pub flagged_words: f32,
    /// Share of words that are spam (OBELICS).
    pub spam_words: f32,
    /// Share of words in the list of common words, 0 without such a list (OBELICS).
    pub common_words: f32,
    /// Character repetition: of all runs of 10 characters the share taken by the most frequent
    /// ones, as many as the square root of the different runs, single ones not counted (OBELICS).
    pub character_repetition: f32,
    /// Share of runs of 5 words that occur more than once (OBELICS).
    pub word_repetition: f32,
    /// Share of lines that were there before (Gopher).
    pub duplicate_lines: f32,
    /// Share of characters in lines that were there before (Gopher).
    pub duplicate_line_characters: f32,
    /// Share of paragraphs that were there before (Gopher).
    pub duplicate_paragraphs: f32,
    /// Share of characters in paragraphs that were there before (Gopher).
    pub duplicate_paragraph_characters: f32,
    /// Share of the words' characters in the run of 2, 3 and 4 words that takes most of them,
    /// 0 where no run is repeated (Gopher).
    pub top_ngram: [f32; 3],
    /// Share of the words' characters in runs of 5 to 10 words that were there before, each
    /// character counted once (Gopher).
    pub duplicate_ngrams: [f32; 6],
}

/// A share from 0 to 1; of nothing it is 0.
pub(super) fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 {
        return 0.0;
    }
    (part as f64 / whole as f64).min(1.0) as f32
}
