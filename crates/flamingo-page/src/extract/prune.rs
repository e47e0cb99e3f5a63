//! Takes away what the names of elements say is not content, unless most of the page's text is in it.

use super::cards;
use super::hints::Hints;
use super::subjects;
use super::survey::Survey;
use crate::{Dom, NodeId, Tag};

/// Hints, and the share of the page's text up to which an element with them goes.
const LIMITS: [(Hints, f32); 11] = [
    (Hints::COMMENTS, 0.6),
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
];

/// The share up to which an element goes whose tag, role or style says that it is beside the content.
const BESIDE_LIMIT: f32 = 0.4;

/// Both limits where the heading tells the content: then most of the text may be beside it.
const COMMENTS_LIMIT_BY_HEADING: f32 = 0.95;
const BESIDE_LIMIT_BY_HEADING: f32 = 0.75;

/// What is left of the limits within an element that is named as an article's body.
const WITHIN_BODY: f32 = 0.5;

/// What is known of the page as a whole.
struct Known {
    heading: Option<NodeId>,
    body: Option<NodeId>,
    score: f32,
}

impl Known {
    /// Whether an element has what surely is content.
    fn is_in(&self, dom: &Dom<'_>, node: NodeId) -> bool {
        [self.heading, self.body]
            .into_iter()
            .flatten()
            .any(|inside| dom.contains(node, inside))
    }
}

/// Drops what is beside the content.
pub(super) fn prune(dom: &Dom<'_>, survey: &mut Survey, heading: Option<NodeId>) {
    let score = survey.score(dom, NodeId::ROOT).max(1) as f32;
    let known = Known {
        heading,
        body: survey.body,
        score,
    };
    let mut cards = Vec::new();
    let (mut index, mut body_end, mut code_end, mut has_lead) = (0, 0, 0, false);
    while index < dom.len() {
        let node = NodeId::from_index(index);
        if survey.traits[index].is_body {
            body_end = body_end.max(dom.subtree_end(node).index());
        }
        let within = Within {
            body: index < body_end,
            code: index < code_end,
        };
        if matches!(dom.tag(node), Tag::Pre | Tag::Code) {
            code_end = code_end.max(dom.subtree_end(node).index());
        }
        if !known.is_in(dom, node) && is_beside(dom, survey, node, &known, within) {
            if !has_lead && is_lead(dom, survey, node, &known) {
                has_lead = true;
            } else {
                survey.drop_subtree(node);
            }
        }
        if survey.is_dropped(node) {
            index = dom.subtree_end(node).index();
            continue;
        }
        if index >= body_end {
            cards::find(dom, survey, node, &mut cards);
        }
        index += 1;
    }
    drop_cards(dom, survey, cards, heading);
    survey.sum_again(dom);
    survey.weigh(dom);
}

/// Drops what its element, its role or its style says is beside the content, but where all of the text is in it.
pub(super) fn prune_kinds(dom: &Dom<'_>, survey: &mut Survey) {
    let text = survey.text(dom, NodeId::ROOT).max(1) as f32;
    let mut index = 0;
    while index < dom.len() {
        let node = NodeId::from_index(index);
        let traits = survey.traits[index];
        let by_kind = traits.is_hidden
            || traits.is_beside
            || matches!(dom.tag(node), Tag::Aside | Tag::Footer | Tag::Header);
        let share = survey.text(dom, node) as f32 / text;
        if by_kind && !is_never_beside(dom.tag(node)) && share < BESIDE_LIMIT_BY_HEADING {
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

/// What an element is in.
#[derive(Clone, Copy)]
struct Within {
    /// An article's body.
    body: bool,
    /// Code, whose names are those of its grammar: a comment, a label.
    code: bool,
}

fn is_beside(dom: &Dom<'_>, survey: &Survey, node: NodeId, known: &Known, within: Within) -> bool {
    let tag = dom.tag(node);
    let traits = survey.traits[node.index()];
    if is_never_beside(tag) || traits.is_body {
        return false;
    }
    let limits = if within.body { WITHIN_BODY } else { 1.0 };
    let share = survey.score(dom, node) as f32 / known.score / limits;
    let is_known = known.heading.is_some();
    let is_opened = traits.is_panel && says_something(dom, survey, node);
    let mut hints = traits.hints;
    if is_opened {
        hints = hints.without(Hints::HIDDEN);
    }
    if within.code {
        hints = hints & Hints::HIDDEN;
    }
    if hints.has(Hints::BODY) {
        // An article's names tell its categories and tags, too.
        hints = hints.without(Hints::METADATA);
    }
    let by_kind = traits.is_hidden && !is_opened
        || traits.is_beside
        || matches!(tag, Tag::Aside | Tag::Footer)
        || tag == Tag::Header && hints.has(Hints::NAVIGATION);
    if by_kind {
        let limit = if is_known {
            BESIDE_LIMIT_BY_HEADING
        } else {
            BESIDE_LIMIT
        };
        if share < limit {
            return true;
        }
    }
    let goes = |hints: Hints| is_named_beside(tag, hints, share, is_known);
    let is_subject = || {
        let subject = subjects::of(dom, survey, node);
        subject != Hints::NONE && !goes(hints.without(subject))
    };
    goes(hints) && !is_subject()
}

/// Whether a part that a click opens holds an answer rather than a menu or a form.
fn says_something(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    let is_answer = || {
        survey.text(dom, node) > 0 && survey.linked(dom, node) == 0 && !subjects::asks(dom, node)
    };
    survey.score(dom, node) > 0 || is_answer()
}

/// Bytes of the shortest lead of an article.
const SHORTEST_LEAD: u32 = 80;

/// Whether an element that is named as a teaser is the page's own: behind its heading, and it leads nowhere.
fn is_lead(dom: &Dom<'_>, survey: &Survey, node: NodeId, known: &Known) -> bool {
    let (tag, traits) = (dom.tag(node), survey.traits[node.index()]);
    let is_behind = known.heading.is_some_and(|heading| heading < node);
    let others = traits.hints.without(Hints::RELATED);
    is_behind
        && traits.hints.has(Hints::RELATED)
        && !traits.is_hidden
        && !matches!(tag, Tag::Aside | Tag::Footer)
        && !is_named_beside(tag, others, 0.0, true)
        && survey.text(dom, node) >= SHORTEST_LEAD
        && survey.linked(dom, node) == 0
}

/// Whether an element of these names, with this share of the page's text, is beside the content.
fn is_named_beside(tag: Tag, hints: Hints, share: f32, has_heading: bool) -> bool {
    match tag {
        // They have the names of all that the page has.
        Tag::Article if !hints.has(Hints::RELATED) => false,
        Tag::Figure | Tag::Figcaption => hints.has(Hints::ADVERTISEMENT | Hints::RELATED),
        _ if has_heading && hints.has(Hints::COMMENTS) => share < COMMENTS_LIMIT_BY_HEADING,
        _ => LIMITS
            .iter()
            .any(|&(of, limit)| hints.has(of) && share < limit),
    }
}

fn is_never_beside(tag: Tag) -> bool {
    use Tag::{Body, Document, Html, Img, Main, Picture, Text};
    matches!(tag, Text | Document | Html | Body | Main | Img | Picture)
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
