//! Words that a page's frame puts among its content: "Share", "Related articles".

use std::ops::Range;

use super::blocks::{Block, Content};
use super::hints::Hints;
use super::phrases;
use super::prose::{begins_content, is_prose};
use super::survey::Survey;
use super::traits::{is_block, is_never_content};
use crate::{Dom, Kind, NodeId, Tag};

/// Whether each block is one.
pub(super) fn words(dom: &Dom<'_>, survey: &Survey, blocks: &[Block<'_>]) -> Vec<bool> {
    let is_one =
        |block: &Block<'_>| matches!(&block.content, Content::Text(words) if is_prose(words));
    let first = blocks.iter().position(is_one).unwrap_or(blocks.len());
    let last = blocks.iter().rposition(is_one).unwrap_or(first);
    (0..blocks.len())
        .map(|index| is_frame(dom, survey, blocks, index, &(first..last)))
        .collect()
}

/// Whether a block is a word of the page's frame and nothing more. A heading is none if it has a text below it. An item
/// that leads nowhere is none within the text, behind words that announce it, or among others that say something.
fn is_frame(
    dom: &Dom<'_>,
    survey: &Survey,
    blocks: &[Block<'_>],
    index: usize,
    prose: &Range<usize>,
) -> bool {
    let Content::Text(words) = &blocks[index].content else {
        return false;
    };
    if !phrases::is_boilerplate(words) {
        return false;
    }
    let node = blocks[index].node;
    let heads = || begins_content(&blocks[index..]) && !heads_what_went(dom, survey, node);
    match words.kind {
        _ if words.linked > 0 => true,
        Kind::Heading => !heads(),
        Kind::Paragraph if phrases::is_advertisement(words) => true,
        Kind::Paragraph if is_cell(dom, node) => !prose.contains(&index),
        Kind::Paragraph => !is_strong(dom, node) || !heads(),
        Kind::Item => !prose.contains(&index) && !is_of_list(blocks, index),
        _ => true,
    }
}

/// Whether a text stands in a cell of a table that places things.
fn is_cell(dom: &Dom<'_>, node: NodeId) -> bool {
    let around = dom.ancestors(node).find(|&outer| is_block(dom.tag(outer)));
    around.is_some_and(|outer| matches!(dom.tag(outer), Tag::Td | Tag::Th))
}

/// Whether the first node of a text is all that it has, and bold.
fn is_strong(dom: &Dom<'_>, node: NodeId) -> bool {
    dom.parent(node).is_some_and(|outer| {
        matches!(dom.tag(outer), Tag::B | Tag::Strong)
            && dom
                .parent(outer)
                .is_some_and(|around| dom.subtree_end(around) == dom.subtree_end(outer))
    })
}

/// Whether what stood right behind a heading led elsewhere and went.
fn heads_what_went(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    let heading = dom.ancestors(node).find(|&outer| is_block(dom.tag(outer)));
    let next = heading.and_then(|heading| dom.next_sibling(heading));
    let next = next.and_then(|next| match dom.is_blank(next) {
        true => dom.next_sibling(next),
        false => Some(next),
    });
    next.is_some_and(|next| {
        let tag = dom.tag(next);
        survey.is_dropped(next)
            && (tag == Tag::Nav || !is_never_content(tag))
            && !survey.hints(next).has(Hints::ADVERTISEMENT)
    })
}

/// Whether an item stands beside another that says something, or its list behind words that announce it.
fn is_of_list(blocks: &[Block<'_>], index: usize) -> bool {
    let text = |at: usize| match blocks.get(at).map(|block| &block.content) {
        Some(Content::Text(words)) => Some(words),
        _ => None,
    };
    let is_item = |at: &usize| text(*at).is_some_and(|words| words.kind == Kind::Item);
    let says = |at: usize| {
        text(at).is_some_and(|words| {
            words.kind == Kind::Item && words.linked == 0 && !phrases::is_boilerplate(words)
        })
    };
    let before = (index.saturating_sub(NEAR)..index)
        .rev()
        .find(|at| !is_item(at));
    let is_announced = before.and_then(text).is_some_and(|words| {
        words.text.ends_with(':') || words.kind == Kind::Heading && !phrases::is_boilerplate(words)
    });
    is_announced || says(index + 1) || index.checked_sub(1).is_some_and(says)
}

/// Items of a list up to one that is announced.
const NEAR: usize = 16;
