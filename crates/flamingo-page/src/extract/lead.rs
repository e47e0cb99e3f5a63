//! What leads an article, its pictures and first paragraph, which many pages show above the element with its text.

use super::blocks::{Block, Content};
use super::clean;
use super::gather::Gatherer;
use super::hints::Hints;
use super::prose;
use super::survey::Survey;
use crate::{Dom, NodeId, Tag};

/// Pictures above the text beyond which they are those of other pages.
const MOST: usize = 2;
/// Texts above the text beyond which they are something else, and blocks below in which they may be said again.
const MOST_TEXTS: usize = 4;
const BLOCKS_BELOW: usize = 16;
/// Levels that are climbed from the text to its heading.
const LEVELS: usize = 6;

/// Puts what stands between the heading and the text, or in the header around the heading, before the blocks: pictures,
/// and the paragraph that many pages set apart above their text.
pub(super) fn with_lead<'s>(
    dom: &Dom<'s>,
    survey: &Survey,
    root: NodeId,
    heading: Option<NodeId>,
    mut blocks: Vec<Block<'s>>,
) -> Vec<Block<'s>> {
    let Some((outer, heading)) = around(dom, root, heading) else {
        return blocks;
    };
    let gathered = Gatherer::new(dom, survey).gather_between(outer, root);
    let (texts, shown): (Vec<_>, Vec<_>) = gathered
        .into_iter()
        .partition(|block| matches!(block.content, Content::Text(_)));
    let texts = lead_texts(dom, survey, texts, heading, &blocks);
    let mut lead: Vec<Block<'s>> = shown
        .into_iter()
        .filter(|block| match &block.content {
            Content::Picture(picture) => {
                clean::is_shown(dom, survey, block.node, picture) && is_unlinked(dom, block.node)
            }
            Content::Film(_) | Content::Text(_) => true,
        })
        .collect();
    if lead.len() > MOST {
        lead.clear();
    }
    lead.extend(texts);
    lead.sort_by_key(|block| block.node);
    lead.append(&mut blocks);
    lead
}

/// Of the texts above an article's first, those that lead to it: behind the heading, sentences or named as such, no more
/// than a few, and not said again below.
fn lead_texts<'s>(
    dom: &Dom<'s>,
    survey: &Survey,
    texts: Vec<Block<'s>>,
    heading: NodeId,
    blocks: &[Block<'s>],
) -> Vec<Block<'s>> {
    let is_again = |text: &str| {
        let mut below = blocks.iter().take(BLOCKS_BELOW);
        below.any(|block| matches!(&block.content, Content::Text(words) if words.text == text))
    };
    let leads = |block: &Block<'_>| match &block.content {
        Content::Text(words) => {
            block.node >= dom.subtree_end(heading)
                && prose::leads(words, is_named(dom, survey, block.node))
                && !is_again(&words.text)
        }
        Content::Picture(_) | Content::Film(_) => false,
    };
    let lead: Vec<Block<'s>> = texts.into_iter().filter(leads).collect();
    if lead.len() > MOST_TEXTS {
        return Vec::new();
    }
    lead
}

/// Whether an element around a text is named as what leads to an article.
fn is_named(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    dom.ancestors(node)
        .take(3)
        .any(|ancestor| survey.hints(ancestor).has(Hints::LEAD))
}

/// The smallest element around the text that holds its heading, too, and the heading.
fn around(dom: &Dom<'_>, root: NodeId, heading: Option<NodeId>) -> Option<(NodeId, NodeId)> {
    let heading = heading
        .or_else(|| last_heading(dom, root))
        .filter(|&heading| heading < root)?;
    let outer = dom
        .ancestors(root)
        .take(LEVELS)
        .find(|&outer| dom.contains(outer, heading))?;
    Some((outer, heading))
}

/// The last `h1` before the text, in the elements around it that are climbed: the one of a page whose title is another.
fn last_heading(dom: &Dom<'_>, root: NodeId) -> Option<NodeId> {
    let outer = dom.ancestors(root).take(LEVELS).last()?;
    (outer.index()..root.index())
        .rev()
        .map(NodeId::from_index)
        .find(|&node| dom.tag(node) == Tag::H1)
}

/// Not in a link to another page.
fn is_unlinked(dom: &Dom<'_>, node: NodeId) -> bool {
    !dom.ancestors(node)
        .take(3)
        .any(|ancestor| dom.tag(ancestor) == Tag::A)
}
