//! Which texts are sentences of their page rather than lines about other pages.

use super::blocks::{Block, Content, Words};
use super::phrases;
use crate::Kind;

/// Blocks behind a heading that are looked at.
const MOST_BLOCKS: usize = 256;
/// Bytes of a text that is a paragraph rather than a line about another page.
const PARAGRAPH: usize = 80;

/// Whether a text is a sentence of its page: long, without links, and ending as sentences do.
pub(super) fn is_prose(words: &Words) -> bool {
    let is_text = matches!(
        words.kind,
        Kind::Paragraph | Kind::Quote | Kind::Item | Kind::Definition
    );
    words.kind == Kind::Code
        || words.text.len() >= PARAGRAPH
            && is_text
            && words.linked * 3 < words.text.len()
            && is_sentence(&words.text)
            && !phrases::is_call(words)
}

/// Whether a text ends as sentences do.
fn is_sentence(text: &str) -> bool {
    const ENDS: [&str; 11] = [".", "!", "?", ":", "…", "。", "！", "？", ".\"", ".”", ".)"];
    ENDS.iter().any(|end| text.ends_with(end))
}

/// Whether a block says something by itself: a heading, or a text of some length that is not mostly links.
pub(super) fn reads_as_text(words: &Words) -> bool {
    let is_long =
        words.text.len() >= PARAGRAPH / 2 && !words.is_teaser() && !phrases::is_call(words);
    is_long || matches!(words.kind, Kind::Heading | Kind::Row | Kind::Code) && words.linked == 0
}

/// Letters of a text above an article from which on it is a paragraph rather than a subtitle: of one sentence, and of
/// more.
const SENTENCE: usize = 160;
const SENTENCES: usize = 110;

/// Whether a text between an article's heading and its first paragraph is a part of it. A line is a subtitle. One that
/// is named as a lead needs not end as sentences do.
pub(super) fn leads(words: &Words, is_named: bool) -> bool {
    let is_text = matches!(
        words.kind,
        Kind::Paragraph | Kind::Quote | Kind::Item | Kind::Heading
    );
    let least = if sentences(&words.text) > 1 {
        SENTENCES
    } else {
        SENTENCE
    };
    is_text
        && words.text.chars().nth(least - 1).is_some()
        && words.linked * 3 < words.text.len()
        && (is_named || is_sentence(&words.text))
        && !phrases::is_byline(words)
        && !phrases::is_call(words)
}

/// Ends of sentences in a text.
fn sentences(text: &str) -> usize {
    let mut words = text.split_whitespace();
    words.by_ref().filter(|word| is_sentence(word)).count()
}

/// Whether what follows a heading reads as a chapter: paragraphs right below it or below other headings, rather than
/// below a link to another page, or a name and a date.
pub(super) fn begins_content(blocks: &[Block<'_>]) -> bool {
    let (mut prose, mut other) = (0, 0);
    let mut is_below_heading = true;
    for block in blocks[1..].iter().take(MOST_BLOCKS) {
        let words = match &block.content {
            Content::Text(words) => words,
            Content::Picture(picture) => {
                is_below_heading &= !picture.is_linked || picture.leads_to_itself();
                continue;
            }
            Content::Film(_) => continue,
        };
        if words.kind == Kind::Heading {
            is_below_heading = words.linked == 0 && !phrases::is_end(words);
            continue;
        }
        if is_below_heading && is_prose(words) {
            prose += words.text.len();
            continue;
        }
        other += words.text.len();
        is_below_heading &= matches!(
            words.kind,
            Kind::Row | Kind::Item | Kind::Term | Kind::Caption | Kind::Code
        ) && words.linked == 0;
    }
    prose > other
}
