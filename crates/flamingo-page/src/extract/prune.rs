//! Takes away what the names of elements say is not content, unless most of the page's text is in it.

use super::hints::Hints;
use super::survey::Survey;
use crate::{Dom, NodeId, Tag};

/// Hints, and the share of the page's text up to which an element with them goes.
const LIMITS: [(Hints, f32); 12] = [
    (Hints::COMMENTS, 0.95),
    (Hints::ADVERTISEMENT, 0.4),
    (Hints::SHARE, 0.3),
    (Hints::SIGN_UP, 0.3),
    (Hints::NAVIGATION, 0.4),
    (Hints::FOOTER, 0.3),
    (Hints::RELATED, 0.4),
    (Hints::SIDE, 0.4),
    (Hints::HIDDEN, 0.2),
    (Hints::METADATA, 0.1),
    (Hints::ICON, 0.05),
    (Hints::NONE, 0.0),
];

/// The share up to which an element goes whose tag, role or style says that it is beside the content.
const BESIDE_LIMIT: f32 = 0.4;

/// Drops what is beside the content.
pub(super) fn prune(dom: &Dom<'_>, survey: &mut Survey) {
    let total = survey.score(dom, NodeId::ROOT).max(1) as f32;
    let mut index = 0;
    while index < dom.len() {
        let node = NodeId::from_index(index);
        if !survey.is_dropped(node) && is_beside(dom, survey, node, total) {
            survey.drop_subtree(node);
        }
        index = if survey.is_dropped(node) {
            dom.subtree_end(node).index()
        } else {
            index + 1
        };
    }
    survey.sum_again(dom);
}

fn is_beside(dom: &Dom<'_>, survey: &Survey, node: NodeId, total: f32) -> bool {
    let tag = dom.tag(node);
    if matches!(
        tag,
        Tag::Text | Tag::Document | Tag::Html | Tag::Body | Tag::Main | Tag::Img | Tag::Picture
    ) {
        return false;
    }
    let traits = survey.traits[node.index()];
    if traits.is_body {
        return false;
    }
    let share = survey.score(dom, node) as f32 / total;
    let by_kind = traits.is_hidden
        || traits.is_beside
        || matches!(tag, Tag::Aside | Tag::Footer)
        || (tag == Tag::Header && traits.hints.has(Hints::NAVIGATION));
    if by_kind && share < BESIDE_LIMIT {
        return true;
    }
    if traits.hints == Hints::NONE || tag == Tag::Article && !traits.hints.has(Hints::RELATED) {
        return false;
    }
    LIMITS
        .iter()
        .any(|&(hints, limit)| traits.hints.has(hints) && share < limit)
}

/// Shares of linked text beyond which a list or a box leads elsewhere.
const LINKED_LIST: f32 = 0.7;
const LINKED_BOX: f32 = 0.6;

/// Drops boxes and lists inside the root that lead elsewhere.
pub(super) fn prune_inside(dom: &Dom<'_>, survey: &mut Survey, root: NodeId) {
    let end = dom.subtree_end(root).index();
    let mut index = root.index() + 1;
    while index < end {
        let node = NodeId::from_index(index);
        if !survey.is_dropped(node) && leads_elsewhere(dom, survey, node) {
            survey.drop_subtree(node);
        }
        index = if survey.is_dropped(node) {
            dom.subtree_end(node).index()
        } else {
            index + 1
        };
    }
}

fn leads_elsewhere(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    let limit = match dom.tag(node) {
        Tag::Ul | Tag::Ol | Tag::Dl | Tag::Menu => LINKED_LIST,
        Tag::Div | Tag::Section | Tag::Table => LINKED_BOX,
        Tag::P => 0.95,
        _ => return false,
    };
    let text = survey.text(dom, node);
    text > 0 && survey.linked(dom, node) as f32 > limit * text as f32
}
