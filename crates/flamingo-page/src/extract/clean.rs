//! Takes away blocks that the root holds beside its content: the title again, icons, headings of nothing.

use super::blocks::{Block, Content, Words};
use super::captions;
use super::hints::Hints;
use super::icons;
use super::phrases;
use super::pictures::Picture;
use super::survey::Survey;
use crate::{Dom, Kind, NodeId};

/// What is known of a page that its content may repeat.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known<'k> {
    pub(super) title: Option<&'k str>,
    pub(super) address: Option<&'k str>,
}

pub(super) fn clean<'s>(
    dom: &Dom<'s>,
    survey: &Survey,
    mut blocks: Vec<Block<'s>>,
    known: Known<'_>,
) -> Vec<Block<'s>> {
    drop_rest(dom, survey, &mut blocks);
    drop_advertised(&mut blocks);
    let mut frame = (0..blocks.len())
        .map(|index| is_frame(&blocks, index))
        .collect::<Vec<_>>()
        .into_iter();
    blocks.retain(|block| {
        let is_frame = frame.next().unwrap_or(false);
        match &block.content {
            Content::Picture(picture) => is_shown(dom, survey, block.node, picture),
            Content::Text(words) => !is_frame && known.address != Some(words.text.as_str()),
            Content::Film(_) => true,
        }
    });
    drop_decoration(&mut blocks);
    let mut blocks = captions::settle(blocks);
    drop_title(&mut blocks, known.title);
    drop_head(&mut blocks);
    drop_tail(&mut blocks);
    blocks
}

/// Of the text, what may follow a heading that ends the content, in percent.
const LARGEST_REST: usize = 40;

/// Cuts off what a heading like "Related" begins, if it reads as such: links, cards, what readers say.
fn drop_rest(dom: &Dom<'_>, survey: &Survey, blocks: &mut Vec<Block<'_>>) {
    let length = |block: &Block<'_>| match &block.content {
        Content::Text(words) => words.text.len(),
        Content::Picture(_) | Content::Film(_) => 0,
    };
    let total: usize = blocks.iter().map(length).sum();
    let mut rest = total;
    for (index, block) in blocks.iter().enumerate() {
        let is_end = matches!(&block.content, Content::Text(words) if phrases::is_end(words));
        if is_end
            && rest * 100 <= total * LARGEST_REST
            && !begins_content(&blocks[index..])
            && !is_inserted(dom, survey, &blocks[index..])
        {
            blocks.truncate(index);
            return;
        }
        rest -= length(block);
    }
}

/// Levels around a heading and nodes of its box that are looked at.
const LEVELS_OF_BOX: usize = 4;
const NODES_OF_BOX: usize = 256;

/// Whether a heading stands in a box of its own with what went already, and the content goes on behind the box.
fn is_inserted(dom: &Dom<'_>, survey: &Survey, blocks: &[Block<'_>]) -> bool {
    let [heading, next, ..] = blocks else {
        return false;
    };
    let is_box = |&outer: &NodeId| {
        dom.subtree_end(outer) <= next.node
            && dom
                .descendants(outer)
                .take(NODES_OF_BOX)
                .any(|inside| survey.is_dropped(inside))
    };
    matches!(&next.content, Content::Text(words) if is_prose(words))
        && dom
            .ancestors(heading.node)
            .take(LEVELS_OF_BOX)
            .any(|outer| is_box(&outer))
}

/// Blocks behind a heading that are looked at.
const MOST_BLOCKS: usize = 256;
/// Bytes of a text that is a paragraph rather than a line about another page.
const PARAGRAPH: usize = 80;

/// Whether a text is a sentence of its page: long, without links, and ending as sentences do.
fn is_prose(words: &Words) -> bool {
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
fn begins_content(blocks: &[Block<'_>]) -> bool {
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

/// Whether each block is a word of the page's frame and nothing more. A heading is none if it has a text below it, and
/// an item is none among others that say something.
fn is_frame(blocks: &[Block<'_>], index: usize) -> bool {
    let Content::Text(words) = &blocks[index].content else {
        return false;
    };
    if !phrases::is_boilerplate(words) {
        return false;
    }
    let text = |at: usize| match blocks.get(at).map(|block| &block.content) {
        Some(Content::Text(words)) => Some(words),
        _ => None,
    };
    let says = |at: Option<usize>, kind: Kind| {
        let words = at.and_then(text);
        words.is_some_and(|words| {
            words.kind == kind && words.linked == 0 && !phrases::is_boilerplate(words)
        })
    };
    match words.kind {
        Kind::Heading => words.linked > 0 || !begins_content(&blocks[index..]),
        Kind::Item => {
            !(words.linked == 0
                && (says(index.checked_sub(1), Kind::Item) || says(Some(index + 1), Kind::Item)))
        }
        _ => true,
    }
}

/// How often a picture is shown that only decorates.
const OFTEN: usize = 4;

fn drop_decoration(blocks: &mut Vec<Block<'_>>) {
    let url = |block: &Block<'_>| match &block.content {
        Content::Picture(picture) => picture.url().map(str::to_owned),
        Content::Text(_) | Content::Film(_) => None,
    };
    let mut urls: Vec<String> = blocks.iter().filter_map(url).collect();
    if urls.len() < OFTEN {
        return;
    }
    urls.sort_unstable();
    let often: Vec<&String> = urls
        .chunk_by(|a, b| a == b)
        .filter(|same| same.len() >= OFTEN)
        .map(|same| &same[0])
        .collect();
    blocks.retain(|block| url(block).is_none_or(|url| often.binary_search(&&url).is_err()));
}

/// Pictures beside a text that marks them as advertisements.
fn drop_advertised(blocks: &mut Vec<Block<'_>>) {
    let marks = |block: &Block<'_>| matches!(&block.content, Content::Text(words) if phrases::is_advertisement(words));
    let is_linked = |block: &Block<'_>| matches!(&block.content, Content::Picture(picture) if picture.is_linked);
    let marked: Vec<bool> = blocks.iter().map(marks).collect();
    let mut index = 0;
    blocks.retain(|block| {
        let beside =
            index > 0 && marked[index - 1] || marked.get(index + 1).copied().unwrap_or(false);
        index += 1;
        !(beside && is_linked(block))
    });
}

/// Bytes of the first text that is content for sure.
const SURE: usize = 120;

/// Above the first paragraph stand its author, its date and links to its section.
fn drop_head(blocks: &mut Vec<Block<'_>>) {
    let is_sure = |block: &Block<'_>| matches!(&block.content, Content::Text(words) if words.text.len() > SURE && !words.is_teaser());
    let Some(first) = blocks.iter().position(is_sure) else {
        return;
    };
    let mut index = 0;
    blocks.retain(|block| {
        index += 1;
        let above = index <= first;
        let Content::Text(words) = &block.content else {
            return true;
        };
        let is_line = matches!(words.kind, Kind::Paragraph | Kind::Item);
        !(above && is_line && (words.is_teaser() || phrases::is_byline(words)))
    });
}

/// Below the last paragraph stand headings of nothing, links to other pages, calls to follow.
fn drop_tail(blocks: &mut Vec<Block<'_>>) {
    let is_content = |block: &Block<'_>| match &block.content {
        Content::Text(words) => {
            words.kind != Kind::Heading && !phrases::is_call(words) && !words.is_teaser()
        }
        Content::Picture(_) | Content::Film(_) => true,
    };
    let end = blocks
        .iter()
        .rposition(is_content)
        .map_or(0, |last| last + 1);
    blocks.truncate(end);
}

/// The page shows its title above the content, often inside it.
fn drop_title(blocks: &mut Vec<Block<'_>>, title: Option<&str>) {
    let Some(title) = title else { return };
    let paragraph = |block: &Block<'_>| matches!(&block.content, Content::Text(words) if words.text.len() > 200);
    let before = blocks.iter().position(paragraph).unwrap_or(blocks.len());
    let is_title = |block: &Block<'_>| match &block.content {
        Content::Text(words) => words.level == 1 || words.text.eq_ignore_ascii_case(title),
        Content::Picture(_) | Content::Film(_) => false,
    };
    let mut index = 0;
    blocks.retain(|block| {
        index += 1;
        index > before || !is_title(block)
    });
}

/// Whether a picture is more than an icon, an avatar or a counter.
pub(super) fn is_shown(
    dom: &Dom<'_>,
    survey: &Survey,
    node: NodeId,
    picture: &Picture<'_>,
) -> bool {
    !icons::is_small(picture)
        && !is_in_icon(dom, survey, node)
        && !icons::is_beside(dom, survey, node, picture)
}

fn is_in_icon(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    dom.ancestors(node)
        .take(2)
        .any(|ancestor| survey.hints(ancestor).has(Hints::ICON))
}
