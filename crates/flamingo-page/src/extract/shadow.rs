//! Declarative shadow roots: a `template` that browsers show in the place of its host's content, which stands in its slots.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::{Dom, NodeId};

/// Whether a `template` is shown.
pub(super) fn is_root(dom: &Dom<'_>, template: NodeId) -> bool {
    dom.raw_attr(template, "shadowrootmode")
        .is_some_and(|mode| {
            mode.eq_ignore_ascii_case("open") || mode.eq_ignore_ascii_case("closed")
        })
}

/// What a host holds behind its shadow root, by the name of the slot that it stands in.
#[derive(Debug, Default)]
pub(super) struct Slotted<'s>(HashMap<Cow<'s, str>, Vec<NodeId>>);

impl<'s> Slotted<'s> {
    pub(super) fn of(dom: &Dom<'s>, template: NodeId) -> Self {
        let mut slotted = Self::default();
        let next =
            std::iter::successors(dom.next_sibling(template), |&node| dom.next_sibling(node));
        for node in next {
            let name = if dom.is_text(node) {
                None
            } else {
                dom.attr(node, "slot")
            };
            slotted
                .0
                .entry(name.unwrap_or_default())
                .or_default()
                .push(node);
        }
        slotted
    }

    /// What stands in a slot, which no other has then.
    pub(super) fn take(&mut self, dom: &Dom<'s>, slot: NodeId) -> Vec<NodeId> {
        let name = dom.attr(slot, "name").unwrap_or_default();
        let nodes = self.0.remove(&name).unwrap_or_default();
        let says = nodes.iter().any(|&node| !dom.is_blank(node));
        if says { nodes } else { Vec::new() }
    }
}
