//! The smallest element that holds the page's content.

use super::hints::Hints;
use super::survey::Survey;
use crate::{Dom, NodeId, Tag};

/// The share of an element's text that a part of it must hold to stand for it.
const MOST: f32 = 0.8;
/// As before, where the part is named as the body of an article.
const MOST_OF_NAMED: f32 = 0.5;
/// Where no part holds most: how often as much as the next one it must hold, and which share at least.
const DOMINANCE: f32 = 4.0;
const DOMINANT: f32 = 0.6;

/// Goes down from the document for as long as one part holds most of the text.
pub(super) fn find(dom: &Dom<'_>, survey: &Survey) -> NodeId {
    let mut root = NodeId::ROOT;
    if let Some(named) = named_body(dom, survey) {
        return named;
    }
    while let Some(part) = main_part(dom, survey, root) {
        root = part;
    }
    root
}

/// The outermost element that is named as the body of an article and holds enough of the page's text.
fn named_body(dom: &Dom<'_>, survey: &Survey) -> Option<NodeId> {
    let total = survey.score(dom, NodeId::ROOT) as f32;
    let mut best: Option<(NodeId, u32)> = None;
    let mut index = 0;
    while index < dom.len() {
        let node = NodeId::from_index(index);
        if survey.is_dropped(node) {
            index = dom.subtree_end(node).index();
            continue;
        }
        let traits = survey.traits[index];
        let named = traits.is_body || traits.hints.has(Hints::BODY) && is_container(dom.tag(node));
        let score = survey.score(dom, node);
        if named
            && score as f32 >= MOST_OF_NAMED * total
            && best.is_none_or(|(_, most)| score > most)
        {
            best = Some((node, score));
        }
        index += 1;
    }
    best.map(|(node, _)| node)
}

fn is_container(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Div | Tag::Section | Tag::Article | Tag::Td | Tag::Main | Tag::Span
    )
}

fn main_part(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> Option<NodeId> {
    let total = survey.score(dom, node) as f32;
    let (mut first, mut most, mut second) = (None, 0, 0);
    for child in dom.children(node) {
        let tag = dom.tag(child);
        if tag == Tag::Text || survey.is_dropped(child) {
            continue;
        }
        let score = survey.score(dom, child);
        if score > most {
            (first, most, second) = (Some(child), score, most);
        } else if score > second {
            second = score;
        }
    }
    let child = first?;
    let (most, second) = (most as f32, second as f32);
    let holds_most =
        most >= MOST * total || (most >= DOMINANT * total && most > DOMINANCE * second);
    (holds_most && may_be_root(dom.tag(child))).then_some(child)
}

fn may_be_root(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Html
            | Tag::Body
            | Tag::Div
            | Tag::Section
            | Tag::Article
            | Tag::Main
            | Tag::Td
            | Tag::Tr
            | Tag::Tbody
            | Tag::Table
            | Tag::Form
            | Tag::Center
            | Tag::Span
            | Tag::Fieldset
            | Tag::Other
            | Tag::Font
    )
}
