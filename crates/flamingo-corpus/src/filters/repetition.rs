//! What a text says again: characters, words, lines, paragraphs and runs of words.

use super::Reason::{self, *};
use super::rule::{Rule, at_most};

pub(super) const RULES: &[Rule] = &[
    at_most(
        RepeatedCharacters,
        |m, _| m.character_repetition,
        |t| t.max_character_repetition,
    ),
    at_most(
        RepeatedWords,
        |m, _| m.word_repetition,
        |t| t.max_word_repetition,
    ),
    at_most(
        DuplicateLines,
        |m, _| m.duplicate_lines,
        |t| t.max_duplicate_lines,
    ),
    at_most(
        DuplicateLines,
        |m, _| m.duplicate_line_characters,
        |t| t.max_duplicate_line_characters,
    ),
    at_most(
        DuplicateParagraphs,
        |m, _| m.duplicate_paragraphs,
        |t| t.max_duplicate_paragraphs,
    ),
    at_most(
        DuplicateParagraphs,
        |m, _| m.duplicate_paragraph_characters,
        |t| t.max_duplicate_paragraph_characters,
    ),
    at_most(
        Reason::TopNgram,
        |m, _| m.top_ngram[0],
        |t| t.max_top_2_gram,
    ),
    at_most(TopNgram, |m, _| m.top_ngram[1], |t| t.max_top_3_gram),
    at_most(TopNgram, |m, _| m.top_ngram[2], |t| t.max_top_4_gram),
    at_most(
        DuplicateNgrams,
        |m, _| m.duplicate_ngrams[0],
        |t| t.max_duplicate_5_grams,
    ),
    at_most(
        DuplicateNgrams,
        |m, _| m.duplicate_ngrams[1],
        |t| t.max_duplicate_6_grams,
    ),
    at_most(
        DuplicateNgrams,
        |m, _| m.duplicate_ngrams[2],
        |t| t.max_duplicate_7_grams,
    ),
    at_most(
        DuplicateNgrams,
        |m, _| m.duplicate_ngrams[3],
        |t| t.max_duplicate_8_grams,
    ),
    at_most(
        DuplicateNgrams,
        |m, _| m.duplicate_ngrams[4],
        |t| t.max_duplicate_9_grams,
    ),
    at_most(
        DuplicateNgrams,
        |m, _| m.duplicate_ngrams[5],
        |t| t.max_duplicate_10_grams,
    ),
];
