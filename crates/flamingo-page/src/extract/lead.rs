//! The pictures that lead an article, which many pages show above the element with its text.

use super::blocks::{Block, Content};
use super::clean;
use super::gather::Gatherer;
use super::survey::Survey;
use crate::{Dom, NodeId, Tag};

/// Pictures above the text beyond which they are those of other pages.
const MOST: usize = 2;
/// Levels that are climbed from the text to its heading.
const LEVELS: usize = 6;

/// Puts pictures between the heading and the text, or in the header around the heading, before the blocks.
pub(super) fn with_lead<'s>(
    dom: &Dom<'s>,
    survey: &Survey,
    root: NodeId,
    heading: Option<NodeId>,
    mut blocks: Vec<Block<'s>>,
) -> Vec<Block<'s>> {
    let Some(outer) = around(dom, root, heading) else {
        return blocks;
    };
    let gathered = Gatherer::new(dom, survey).gather_between(outer, root);
    let mut lead: Vec<Block<'s>> = gathered
        .into_iter()
        .filter(|block| match &block.content {
            Content::Picture(picture) => {
                clean::is_shown(dom, survey, block.node, picture) && is_unlinked(dom, block.node)
            }
            Content::Film(_) => true,
            Content::Text(_) => false,
        })
        .collect();
    if lead.len() > MOST {
        return blocks;
    }
    lead.append(&mut blocks);
    lead
}

/// The smallest element around the text that holds its heading, too.
fn around(dom: &Dom<'_>, root: NodeId, heading: Option<NodeId>) -> Option<NodeId> {
    let heading = heading.filter(|&heading| heading < root)?;
    dom.ancestors(root)
        .take(LEVELS)
        .find(|&outer| dom.contains(outer, heading))
}

/// Not in a link to another page.
fn is_unlinked(dom: &Dom<'_>, node: NodeId) -> bool {
    !dom.ancestors(node)
        .take(3)
        .any(|ancestor| dom.tag(ancestor) == Tag::A)
}
