//! Takes away blocks that the root holds beside its content: the title again, icons, headings of nothing.

use super::blocks::{Block, Content};
use super::captions;
use super::frame;
use super::hints::Hints;
use super::icons;
use super::phrases;
use super::pictures::Picture;
use super::prose::{begins_content, is_prose};
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
    let mut frame = frame::words(dom, survey, &blocks).into_iter();
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
