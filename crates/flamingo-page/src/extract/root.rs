//! The smallest element that holds the page's content.

use super::hints::Hints;
use super::survey::Survey;
use crate::{Dom, NodeId, Tag};

/// The share of an element's weight that a part of it must hold to stand for it.
const MOST: f64 = 0.78;
/// As before, where the part is named as the body of an article or as the page's main part.
const MOST_OF_NAMED: f64 = 0.5;

/// Goes down from the document for as long as one part holds most of the weight.
pub(super) fn find(dom: &Dom<'_>, survey: &Survey) -> NodeId {
    let mut root = NodeId::ROOT;
    while let Some(part) = main_part(dom, survey, root) {
        root = part;
    }
    root
}

fn main_part(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> Option<NodeId> {
    let total = survey.mass(dom, node);
    let kept = dom.children(node).filter(|&child| may_be_root(dom.tag(child)) && !survey.is_dropped(child));
    let heaviest = kept.max_by(|&a, &b| survey.mass(dom, a).total_cmp(&survey.mass(dom, b)))?;
    let limit = if is_named(dom, survey, heaviest) { MOST_OF_NAMED } else { MOST };
    let mass = survey.mass(dom, heaviest);
    (mass > 0.0 && mass >= limit * total).then_some(heaviest)
}

fn is_named(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    let traits = survey.traits[node.index()];
    traits.is_body || traits.is_main || traits.hints.has(Hints::BODY) || matches!(dom.tag(node), Tag::Article | Tag::Main)
}

fn may_be_root(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Html | Tag::Body | Tag::Div | Tag::Section | Tag::Article | Tag::Main | Tag::Td | Tag::Tr | Tag::Tbody
            | Tag::Table | Tag::Form | Tag::Center | Tag::Span | Tag::Fieldset | Tag::Other | Tag::Font
    )
}
