//! Lists of other pages: neighbours of one kind, each with a title that is a link and little text beside it.

use super::survey::Survey;
use crate::{Dom, NodeId, Tag};

/// Neighbours from which on they are a list.
const LEAST: usize = 3;
/// Bytes of text beside its links that a card has at most, and that those of a list have on average.
const LONGEST_TEXT: u32 = 600;
const LONGEST_MEAN: u32 = 400;

/// Adds the children of an element to `cards` where they are a list of other pages.
pub(super) fn find(dom: &Dom<'_>, survey: &Survey, parent: NodeId, cards: &mut Vec<NodeId>) {
    let first = cards.len();
    let mut others = 0;
    for child in dom.children(parent) {
        if !may_be_card(dom.tag(child)) || survey.text(dom, child) == 0 {
            continue;
        }
        if is_card(dom, survey, child) {
            cards.push(child);
        } else {
            others += 1;
        }
    }
    let found = cards.len() - first;
    let free = |card: &NodeId| survey.text(dom, *card) - survey.linked(dom, *card);
    let total: u32 = cards.iter().skip(first).map(free).sum();
    if found < LEAST || others * 2 > found || total > LONGEST_MEAN * found as u32 {
        cards.truncate(first);
    }
}

fn may_be_card(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Li | Tag::Div | Tag::Article | Tag::Section | Tag::Td | Tag::Tr | Tag::A | Tag::Other
    )
}

fn is_card(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    let (text, linked) = (survey.text(dom, node), survey.linked(dom, node));
    survey.titles(dom, node) > 0 && text - linked <= LONGEST_TEXT
}
