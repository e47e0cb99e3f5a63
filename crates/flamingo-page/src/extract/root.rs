//! The smallest element that holds the page's content.

use super::hints::Hints;
use super::survey::Survey;
use crate::{Dom, NodeId, Tag};

/// The share of an element's weight that a part of it must hold to stand for it.
const MOST: f64 = 0.78;
/// As before, where the part is named as the body of an article or as the page's main part.
const MOST_OF_NAMED: f64 = 0.5;

/// How many times the weight of the part with the page's title counts.
const TITLE_FACTOR: f64 = 3.0;

/// Goes down from the document for as long as one part holds most of the weight, then up again as long as that
/// adds texts and little else.
pub(super) fn find(dom: &Dom<'_>, survey: &Survey, heading: Option<NodeId>) -> NodeId {
    if survey.mass(dom, NodeId::ROOT) < LEAST_MASS {
        return named_part(dom, survey, heading).unwrap_or(NodeId::ROOT);
    }
    let mut root = titled_article(dom, survey, heading).unwrap_or(NodeId::ROOT);
    let start = root;
    while !is_body(survey, root)
        && let Some(part) = main_part(dom, survey, root, heading)
    {
        root = part;
    }
    widened(dom, survey, root, start)
}

/// Weight below which a page has no text that tells where its content is.
const LEAST_MASS: f64 = 10_000.0;

/// The innermost element that its name makes the page's content: the one around the heading, if one is.
fn named_part(dom: &Dom<'_>, survey: &Survey, heading: Option<NodeId>) -> Option<NodeId> {
    let names = |node: NodeId| {
        let hints = survey.hints(node);
        is_named(dom, survey, node)
            || matches!(dom.tag(node), Tag::Div | Tag::Section) && hints.has(Hints::CONTENT)
    };
    let around = heading.and_then(|heading| dom.ancestors(heading).find(|&node| names(node)));
    let mut index = 0;
    let mut first = None;
    while around.is_none() && first.is_none() && index < dom.len() {
        let node = NodeId::from_index(index);
        if survey.is_dropped(node) {
            index = dom.subtree_end(node).index();
        } else {
            first = names(node).then_some(node);
            index += 1;
        }
    }
    around.or(first)
}

/// Text that an article has at least, in bytes and in shares of the page's.
const LEAST_ARTICLE: u32 = 200;
const LEAST_SHARE: f32 = 0.1;

/// The `article` around the heading that shows the page's title, if there is enough text in it.
fn titled_article(dom: &Dom<'_>, survey: &Survey, heading: Option<NodeId>) -> Option<NodeId> {
    let heading = heading?;
    let article = dom
        .ancestors(heading)
        .find(|&node| dom.tag(node) == Tag::Article)?;
    let score = survey.score(dom, article);
    let total = survey.score(dom, NodeId::ROOT);
    (score >= LEAST_ARTICLE && score as f32 >= LEAST_SHARE * total as f32).then_some(article)
}

/// Whether the element says that it is the body of an article.
fn is_body(survey: &Survey, node: NodeId) -> bool {
    survey.traits[node.index()].is_body
}

fn main_part(
    dom: &Dom<'_>,
    survey: &Survey,
    node: NodeId,
    heading: Option<NodeId>,
) -> Option<NodeId> {
    let weight = |part: NodeId| {
        let titled = heading.is_some_and(|heading| dom.contains(part, heading));
        survey.mass(dom, part) * if titled { TITLE_FACTOR } else { 1.0 }
    };
    let (mut first, mut most, mut total) = (None, 0.0, 0.0);
    let mut of_parts = 0.0;
    for part in dom.children(node) {
        if dom.tag(part) == Tag::Text || survey.is_dropped(part) {
            continue;
        }
        of_parts += survey.mass(dom, part);
        let weight = weight(part);
        total += weight;
        if weight > most && may_be_root(dom.tag(part)) {
            (first, most) = (Some(part), weight);
        }
    }
    let part = first?;
    let own = survey.mass(dom, node) - of_parts;
    let limit = if is_named(dom, survey, part) {
        MOST_OF_NAMED
    } else {
        MOST
    };
    (most >= limit * (total + own)).then_some(part)
}

/// Ancestors that are tried, and the least that one must add, in shares of what there is.
const LEVELS: usize = 4;
const LEAST_GAIN: f64 = 0.05;
/// Of what is added, the least share of texts and the largest of links.
const TEXTS: f64 = 0.55;
const LINKS: f64 = 0.3;

/// The ancestor that holds more of the same text: articles are often cut in several boxes.
fn widened(dom: &Dom<'_>, survey: &Survey, mut root: NodeId, start: NodeId) -> NodeId {
    for outer in dom.ancestors(root).take(LEVELS) {
        if root == start
            || is_body(survey, root)
            || matches!(dom.tag(outer), Tag::Body | Tag::Html | Tag::Document)
        {
            break;
        }
        let added = |of: fn(&Survey, &Dom<'_>, NodeId) -> u32| {
            f64::from(of(survey, dom, outer) - of(survey, dom, root))
        };
        let (score, text, linked) = (
            added(Survey::score),
            added(Survey::text),
            added(Survey::linked),
        );
        let enough = score >= LEAST_GAIN * f64::from(survey.score(dom, root));
        if is_body(survey, outer) || enough && score >= TEXTS * text && linked <= LINKS * text {
            root = outer;
        }
    }
    root
}

fn is_named(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    let traits = survey.traits[node.index()];
    traits.is_body
        || traits.is_main
        || traits.hints.has(Hints::BODY)
        || matches!(dom.tag(node), Tag::Article | Tag::Main)
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
