//! Takes away what the names of elements say is not content, unless most of the page's text is in it.

use super::cards;
use super::hints::Hints;
use super::survey::Survey;
use crate::{Dom, NodeId, Tag};

/// Hints, and the share of the page's text up to which an element with them goes.
const LIMITS: [(Hints, f32); 12] = [
    (Hints::COMMENTS, 0.95),
    (Hints::ADVERTISEMENT, 0.5),
    (Hints::SHARE, 0.4),
    (Hints::SIGN_UP, 0.6),
    (Hints::NAVIGATION, 0.5),
    (Hints::FOOTER, 0.5),
    (Hints::RELATED, 0.5),
    (Hints::SIDE, 0.5),
    (Hints::HIDDEN, 0.2),
    (Hints::METADATA, 0.1),
    (Hints::ICON, 0.05),
    (Hints::NONE, 0.0),
];

/// The share up to which an element goes whose tag, role or style says that it is beside the content.
const BESIDE_LIMIT: f32 = 0.4;
const BESIDE_HEADING_LIMIT: f32 = 0.75;

/// What is left of the limits within an element that is named as an article's body.
const WITHIN_BODY: f32 = 0.5;

/// Drops what is beside the content.
pub(super) fn prune(dom: &Dom<'_>, survey: &mut Survey, heading: Option<NodeId>) {
    let body = survey.body;
    let mut cards = Vec::new();
    let total = survey.score(dom, NodeId::ROOT).max(1) as f32;
    let (mut index, mut body_end) = (0, 0);
    while index < dom.len() {
        let node = NodeId::from_index(index);
        if survey.traits[index].is_body {
            body_end = body_end.max(dom.subtree_end(node).index());
        }
        // A body holds less that is beside it.
        let total = if index < body_end {
            total * WITHIN_BODY
        } else {
            total
        };
        let holds =
            |inside: Option<NodeId>| inside.is_some_and(|inside| dom.contains(node, inside));
        let is_kept = holds(heading) || holds(body);
        if !survey.is_dropped(node)
            && !is_kept
            && is_beside(dom, survey, node, total, heading.is_some())
        {
            survey.drop_subtree(node);
        }
        index = if survey.is_dropped(node) {
            dom.subtree_end(node).index()
        } else {
            if index >= body_end {
                cards::find(dom, survey, node, &mut cards);
            }
            index + 1
        };
    }
    drop_cards(dom, survey, cards, heading);
    survey.sum_again(dom);
    survey.weigh(dom);
}

/// Text that is left at least where lists of other pages go: others are what their page is about.
const LEAST_LEFT: u32 = 200;

fn drop_cards(dom: &Dom<'_>, survey: &mut Survey, mut cards: Vec<NodeId>, heading: Option<NodeId>) {
    cards.sort_unstable();
    cards.dedup_by(|inner, outer| dom.contains(*outer, *inner));
    let score: u32 = cards.iter().map(|&card| survey.score(dom, card)).sum();
    if survey.score(dom, NodeId::ROOT).saturating_sub(score) < LEAST_LEFT {
        return;
    }
    for card in cards {
        if !heading.is_some_and(|heading| dom.contains(card, heading)) {
            survey.drop_subtree(card);
        }
    }
}

fn is_beside(
    dom: &Dom<'_>,
    survey: &Survey,
    node: NodeId,
    total: f32,
    heading_known: bool,
) -> bool {
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
    // Where the heading tells the content, even most of the text may be beside it.
    let limit = if heading_known {
        BESIDE_HEADING_LIMIT
    } else {
        BESIDE_LIMIT
    };
    if by_kind && share < limit {
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
