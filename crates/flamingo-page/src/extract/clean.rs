//! Takes away blocks that the root holds beside its content: the title again, icons, headings of nothing.

use super::blocks::{Block, Content};
use super::hints::Hints;
use super::pictures::Picture;
use super::survey::Survey;
use crate::{Dom, Kind, NodeId};

pub(super) fn clean<'s>(
    dom: &Dom<'s>,
    survey: &Survey,
    blocks: Vec<Block<'s>>,
    title: Option<&str>,
) -> Vec<Block<'s>> {
    let mut blocks: Vec<Block<'s>> = blocks
        .into_iter()
        .filter(|block| match &block.content {
            Content::Picture(picture) => {
                is_worth_showing(picture) && !is_in_icon(dom, survey, block.node)
            }
            Content::Text(_) | Content::Film(_) => true,
        })
        .collect();
    drop_title(&mut blocks, title);
    while blocks.last().is_some_and(is_heading) {
        blocks.pop();
    }
    blocks
}

fn is_heading(block: &Block<'_>) -> bool {
    matches!(&block.content, Content::Text(words) if words.kind == Kind::Heading)
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

/// CSS pixels below which a picture is an icon.
const SMALLEST: u32 = 50;

fn is_worth_showing(picture: &Picture<'_>) -> bool {
    let small = |length: Option<u32>| length.is_some_and(|length| length < SMALLEST);
    let tiny = |length: Option<u32>| length.is_some_and(|length| length <= 3);
    let too_small = match (picture.width, picture.height) {
        (Some(_), Some(_)) => small(picture.width) && small(picture.height),
        _ => small(picture.width) || small(picture.height),
    };
    !too_small && !tiny(picture.width) && !tiny(picture.height) && !picture.hints.has(Hints::ICON)
}

fn is_in_icon(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    dom.ancestors(node)
        .take(2)
        .any(|ancestor| survey.hints(ancestor).has(Hints::ICON))
}
