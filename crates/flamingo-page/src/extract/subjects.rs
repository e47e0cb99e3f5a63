//! Elements that are named after what they are about: a chapter `id="comments"`, a heading `class="share"`, a cell of a
//! column of shares. What is in them and beside them tells them from what readers say, buttons and links.

use super::hints::Hints;
use super::survey::Survey;
use super::traits::{heading_level, is_block};
use crate::{Dom, NodeId, Tag};

/// Names of things that have no prose of their own; an author or a foot may have some.
const WITHOUT_PROSE: Hints = Hints::COMMENTS.or(Hints::SHARE).or(Hints::RELATED);

/// The hints of an element that may be the name of its subject; none where it is not about one.
pub(super) fn of(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> Hints {
    let traits = survey.traits[node.index()];
    let named = traits.hints & WITHOUT_PROSE;
    let tag = dom.tag(node);
    if heading_level(tag).is_some() {
        return keep(named, || leads_to_prose(dom, survey, node, tag));
    }
    if is_part(tag) {
        return keep(named, || is_among_others(dom, survey, node, tag));
    }
    if !is_block(tag) {
        return keep(traits.hints & Hints::BESIDE, || {
            is_in_sentence(dom, survey, node)
        });
    }
    let by_id = traits.by_id;
    if by_id != Hints::NONE && is_chapter(dom, survey, node) {
        return by_id;
    }
    match tag {
        Tag::Table if has_heads(dom, node) => keep(named, || survey.linked(dom, node) == 0),
        // Those of class `share` are quotes, which the text has already.
        Tag::P | Tag::Blockquote | Tag::Pre | Tag::Table | Tag::Ul | Tag::Ol | Tag::Dl => {
            let named = named.without(Hints::SHARE.without(by_id));
            keep(named, || is_between_prose(dom, survey, node))
        }
        _ => keep(by_id & WITHOUT_PROSE, || is_prose(dom, survey, node)),
    }
}

fn keep(hints: Hints, is_subject: impl FnOnce() -> bool) -> Hints {
    if hints != Hints::NONE && is_subject() {
        hints
    } else {
        Hints::NONE
    }
}

/// Whether words stand in the midst of a long text, or begin its sentence.
fn is_in_sentence(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    let text_of = |beside: NodeId| dom.is_text(beside).then(|| dom.text(beside));
    let before = node.index().checked_sub(1).map(NodeId::from_index);
    let before = before
        .filter(|&before| dom.parent(before) == dom.parent(node))
        .and_then(text_of)
        .unwrap_or_default();
    let after = dom.next_sibling(node).and_then(text_of).unwrap_or_default();
    let says = |text: &str| text.contains(char::is_alphabetic);
    let goes_on = |c: char| c.is_lowercase() || matches!(c, ',' | ';' | ':' | '.' | '’' | '\'');
    let (before, after) = (before.trim(), after.trim());
    let is_within = !before.is_empty() && !after.is_empty() && (says(before) || says(after));
    (is_within || after.starts_with(goes_on) && says(after)) && survey.is_in_content(node)
}

/// Bytes of text between the title of another page and what leads there.
const LONGEST_TEASER: u32 = 200;
/// Elements behind a heading, and levels that are climbed from it.
const MOST_BEHIND: usize = 16;
const MOST_LEVELS: usize = 2;

/// Whether what follows a heading, up to the next of its level, is text that leads nowhere.
fn leads_to_prose(dom: &Dom<'_>, survey: &Survey, heading: NodeId, tag: Tag) -> bool {
    let around = std::iter::once(heading).chain(dom.ancestors(heading));
    // A box of its own may be around it.
    let alone = around.take_while(|&node| survey.text(dom, node) == survey.text(dom, heading));
    let Some(first) = alone
        .take(MOST_LEVELS)
        .find_map(|node| following(dom, node).next())
    else {
        return false;
    };
    let behind = std::iter::once(first).chain(following(dom, first));
    let (mut text, mut linked, mut score) = (0, 0, 0);
    for node in behind.take(MOST_BEHIND) {
        let next = dom.tag(node);
        if heading_level(next).is_some_and(|next| Some(next) <= heading_level(tag)) {
            break;
        }
        let (own, own_linked) = (survey.text(dom, node), survey.linked(dom, node));
        let is_beside = survey.hints(node).has(Hints::BESIDE);
        let leads_elsewhere = own > 0 && (is_beside || own_linked * 2 > own);
        if leads_elsewhere && text < LONGEST_TEASER {
            return false;
        }
        if !is_beside {
            text += own;
            linked += own_linked;
            score += survey.score(dom, node);
        }
    }
    score > 0 && linked * 3 < text
}

/// What stands behind a node in its parent, but white space.
fn following<'d>(dom: &'d Dom<'_>, node: NodeId) -> impl Iterator<Item = NodeId> + 'd {
    std::iter::successors(dom.next_sibling(node), |&next| dom.next_sibling(next))
        .filter(|&next| !dom.is_blank(next))
}

/// Whether an item or a cell leads nowhere and stands among such as have other names and no time, or is a cell of a few
/// words in a table with heads: its name is that of a column.
fn is_among_others(dom: &Dom<'_>, survey: &Survey, node: NodeId, tag: Tag) -> bool {
    if survey.linked(dom, node) > 0 {
        return false;
    }
    let is_cell = matches!(tag, Tag::Td | Tag::Th);
    if is_cell && survey.text(dom, node) > 0 && survey.score(dom, node) == 0 {
        return is_in_headed_table(dom, node);
    }
    let has_time = |node: NodeId| {
        let mut inside = dom.descendants(node).take(NODES_OF_HEAD);
        inside.any(|inside| dom.tag(inside) == Tag::Time)
    };
    let others = || siblings(dom, node).filter(|&other| other != node && is_part(dom.tag(other)));
    let is_plain = |other: NodeId| {
        survey.text(dom, other) > 0
            && survey.linked(dom, other) == 0
            && !survey.hints(other).has(Hints::BESIDE)
    };
    others().any(is_plain) && !others().any(has_time)
}

/// Levels from a cell to its table.
const LEVELS_OF_TABLE: usize = 4;

fn is_in_headed_table(dom: &Dom<'_>, cell: NodeId) -> bool {
    let mut around = dom.ancestors(cell).take(LEVELS_OF_TABLE);
    let table = around.find(|&outer| dom.tag(outer) == Tag::Table);
    table.is_some_and(|table| has_heads(dom, table))
}

/// Whether a table says what its columns or rows are.
fn has_heads(dom: &Dom<'_>, table: NodeId) -> bool {
    let mut inside = dom.descendants(table).take(NODES_OF_TABLE);
    inside.any(|inside| dom.tag(inside) == Tag::Th)
}

fn siblings<'d>(dom: &'d Dom<'_>, node: NodeId) -> impl Iterator<Item = NodeId> + 'd {
    let parent = dom.parent(node).into_iter();
    parent
        .flat_map(|parent| dom.children(parent))
        .take(MOST_BESIDE)
}

/// Nodes in which a chapter's heading is looked for, nodes of one that are looked at, and chapters beside it.
const NODES_OF_HEAD: usize = 8;
const NODES_OF_CHAPTER: usize = 512;
const NODES_OF_TABLE: usize = 64;
const MOST_BESIDE: usize = 64;

/// Whether an element is one of several that have a heading and a text each.
fn is_chapter(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    let Some(heading) = heading_of(dom, node) else {
        return false;
    };
    if survey.score(dom, node) == 0 || asks(dom, node) {
        return false;
    }
    siblings(dom, node).any(|other| {
        other != node
            && dom.tag(other) == dom.tag(node)
            && dom.raw_attr(other, "class") == dom.raw_attr(node, "class")
            && heading_of(dom, other).map(|other| dom.tag(other)) == Some(dom.tag(heading))
            && survey.score(dom, other) > 0
    })
}

/// Whether an element is a heading, in it or before it, and prose right below, with next to no links, nothing to fill in, and no parts
/// that tell of readers.
fn is_prose(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    let before =
        || last_before(dom, node).filter(|&before| heading_level(dom.tag(before)).is_some());
    let Some(heading) = heading_of(dom, node).or_else(before) else {
        return false;
    };
    let (text, linked) = (survey.text(dom, node), survey.linked(dom, node));
    let is_linked = survey.linked(dom, heading) > 0 || linked * 5 > text;
    if is_linked || survey.score(dom, node) * 2 < text || counts(dom, heading) {
        return false;
    }
    let behind = dom.subtree_end(heading);
    let inside = || {
        dom.descendants(node)
            .take(NODES_OF_CHAPTER)
            .filter(|&inside| inside >= behind)
    };
    let first = inside().find(|&inside| survey.text(dom, inside) > 0 && dom.is_text(inside));
    let is_readers = |inside: NodeId| {
        let tag = dom.tag(inside);
        tag == Tag::Time || is_block(tag) && survey.hints(inside).has(Hints::BESIDE)
    };
    first.is_some_and(|first| survey.score(dom, first) > 0)
        && !asks(dom, node)
        && !inside().any(is_readers)
}

/// Whether a text leads nowhere and stands between others of an article, of which one is long.
fn is_between_prose(dom: &Dom<'_>, survey: &Survey, node: NodeId) -> bool {
    let is_long = |node: NodeId| survey.score(dom, node) > 0 && survey.linked(dom, node) == 0;
    let is_text = |beside: &NodeId| {
        survey.text(dom, *beside) > 0 && !survey.hints(*beside).has(Hints::BESIDE)
    };
    let after = following(dom, node).next().filter(is_text);
    let before = last_before(dom, node).filter(is_text);
    is_long(node)
        && before
            .zip(after)
            .is_some_and(|(before, after)| is_long(before) || is_long(after))
        && !asks(dom, node)
}

/// The node that stands before another in their parent, but white space.
fn last_before(dom: &Dom<'_>, node: NodeId) -> Option<NodeId> {
    let before = siblings(dom, node).take_while(|&before| before != node);
    before.filter(|&before| !dom.is_blank(before)).last()
}

/// Whether a heading counts, as in "3 comments" and "Comments (3)".
fn counts(dom: &Dom<'_>, heading: NodeId) -> bool {
    let inside = dom.descendants(heading).take(NODES_OF_CHAPTER);
    let text: String = inside.map(|inside| dom.raw_text(inside)).collect();
    let in_brackets = text.trim_end().strip_suffix(')');
    let digit = |c: char| c.is_ascii_digit();
    text.trim_start().starts_with(digit) || in_brackets.is_some_and(|text| text.ends_with(digit))
}

fn heading_of(dom: &Dom<'_>, node: NodeId) -> Option<NodeId> {
    let mut inside = dom.descendants(node).take(NODES_OF_HEAD);
    inside.find(|&inside| heading_level(dom.tag(inside)).is_some())
}

/// Whether there is something to fill in.
pub(super) fn asks(dom: &Dom<'_>, node: NodeId) -> bool {
    let mut inside = dom.descendants(node).take(NODES_OF_CHAPTER);
    inside.any(|inside| matches!(dom.tag(inside), Tag::Textarea | Tag::Form | Tag::Input))
}

fn is_part(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Li | Tag::Dt | Tag::Dd | Tag::Td | Tag::Th | Tag::Tr
    )
}
