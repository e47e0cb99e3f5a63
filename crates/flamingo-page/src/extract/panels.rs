//! Parts of a page that a click opens: the answers of a list of questions, the chapters of a manual.

use std::collections::HashSet;

use super::hints::Hints;
use super::variants::{is_any, words};
use crate::{Dom, NodeId, Tag};

/// The parts that buttons open, by their `id`.
#[derive(Debug, Default)]
pub(super) struct Panels<'s>(HashSet<&'s str>);

impl<'s> Panels<'s> {
    /// Whether a button is a heading that opens a part of the page; it is known from then on.
    pub(super) fn opens(&mut self, dom: &Dom<'s>, button: NodeId) -> bool {
        self.opens_known(dom, button) || stands_before(dom, button)
    }

    fn opens_known(&mut self, dom: &Dom<'s>, button: NodeId) -> bool {
        let [expanded, controls] =
            ["aria-expanded", "aria-controls"].map(|name| dom.raw_attr(button, name));
        if expanded.is_none() || self.0.len() >= MOST_PANELS {
            return false;
        }
        if let Some(controls) = controls {
            self.0.insert(controls.trim());
        }
        let mut around = dom.ancestors(button).take(2);
        around.any(|outer| {
            matches!(
                dom.tag(outer),
                Tag::H2 | Tag::H3 | Tag::H4 | Tag::H5 | Tag::H6 | Tag::Dt
            )
        })
    }

    /// Whether a button before opens this element.
    pub(super) fn has(&self, dom: &Dom<'s>, node: NodeId) -> bool {
        !self.0.is_empty()
            && dom
                .raw_attr(node, "id")
                .is_some_and(|id| self.0.contains(id.trim()))
    }
}

/// Whether a button stands right before a part that is named as one that a click opens.
fn stands_before(dom: &Dom<'_>, button: NodeId) -> bool {
    let next = dom.next_sibling(button);
    let next = next.and_then(|next| match dom.is_blank(next) {
        true => dom.next_sibling(next),
        false => Some(next),
    });
    let class = next.and_then(|next| dom.raw_attr(next, "class"));
    class.is_some_and(|class| is_named(class) && !Hints::of(class).has(Hints::BESIDE))
}

/// Whether the names of an element that is not shown are those of a part that a click opens.
pub(super) fn is_named(class: &str) -> bool {
    let is_one = |name: &str| {
        let has = |of: &[&str]| words(name).any(|word| is_any(word, of));
        has(&PANELS) || has(&["tab", "tabs"]) && has(&["pane", "panel", "content"])
    };
    class.split_ascii_whitespace().any(is_one)
}

const PANELS: [&str; 9] = [
    "accordion",
    "accordions",
    "answer",
    "collapse",
    "collapsed",
    "collapsible",
    "expandable",
    "tabpane",
    "tabpanel",
];

/// Parts beyond which no more are opened.
const MOST_PANELS: usize = 4096;
