//! One pass over a page: what each element is by its tag and names, and how much text lies where.
//!
//! Sums run along the document, so that what an element holds is the difference of two of them.

use super::hints::{Hints, Names};
use super::panels::Panels;
use super::shadow;
use super::traits::{Traits, is_block, is_never_content, is_plain_inline, traits_of};
use crate::{Dom, NodeId, Tag};

/// What becomes of an element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays.
    #[default]
    Keep,
    /// It and all inside it goes.
    Drop,
}

/// A run of text with nothing but inline elements in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    /// The first node of it.
    pub(super) start: u32,
    pub(super) text: u32,
    pub(super) linked: u32,
}

impl Run {
    /// Whether all of it is a link that names a page.
    fn is_title(&self) -> bool {
        self.linked == self.text && self.text >= SHORTEST_TITLE
    }

    /// How much it speaks for being the content: long texts with few links.
    pub(super) fn score(&self) -> u32 {
        let free = self.text.saturating_sub(self.linked);
        if free < SHORTEST_PARAGRAPH || self.linked * 2 > self.text {
            return 0;
        }
        let free = free.min(LONGEST_PARAGRAPH);
        // Teasers are short.
        if free < FULL_PARAGRAPH {
            free * free / FULL_PARAGRAPH
        } else {
            free
        }
    }
}

/// Bytes of the shortest link that names a page rather than a section or an author.
const SHORTEST_TITLE: u32 = 16;

/// Bytes of text that a paragraph has at least to speak for being content, and how many count.
const SHORTEST_PARAGRAPH: u32 = 60;
const LONGEST_PARAGRAPH: u32 = 1200;

/// Bytes of text from which on a paragraph counts fully.
const FULL_PARAGRAPH: u32 = 200;

/// What a pass over the page found; the sums are indexed by node.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) fates: Vec<Fate>,
    pub(super) traits: Vec<Traits>,
    text: Vec<u32>,
    linked: Vec<u32>,
    score: Vec<u32>,
    titles: Vec<u32>,
    mass: Vec<f64>,
    runs: Vec<Run>,
    /// Whether what stands for scripts counts as text.
    pub(super) without_scripts: bool,
    /// The first element that is named as an article's body and shown.
    pub(super) body: Option<NodeId>,
}

impl Survey {
    pub(super) fn of(dom: &Dom<'_>) -> Self {
        Self::with(dom, false)
    }

    /// Of a page as browsers without scripts show it.
    pub(super) fn without_scripts(dom: &Dom<'_>) -> Self {
        Self::with(dom, true)
    }

    fn with(dom: &Dom<'_>, without_scripts: bool) -> Self {
        let mut survey = Self {
            fates: vec![Fate::Keep; dom.len()],
            traits: vec![Traits::default(); dom.len()],
            text: vec![0; dom.len() + 1],
            linked: vec![0; dom.len() + 1],
            score: vec![0; dom.len() + 1],
            titles: vec![0; dom.len() + 1],
            mass: Vec::new(),
            runs: Vec::new(),
            without_scripts,
            body: None,
        };
        survey.look(dom);
        survey.sum(dom);
        survey
    }

    /// Of a page of which nothing is to be dropped.
    pub(super) fn keeping_all(dom: &Dom<'_>) -> Self {
        Self {
            fates: vec![Fate::Keep; dom.len()],
            traits: vec![Traits::default(); dom.len()],
            ..Self::default()
        }
    }

    /// Marks what is surely not content and gathers the runs of text.
    fn look(&mut self, dom: &Dom<'_>) {
        let (mut run, mut index, mut link_end) = (Run::default(), 0, 0);
        let mut names = Names::new();
        let mut panels = Panels::default();
        while index < dom.len() {
            let node = NodeId::from_index(index);
            let tag = dom.tag(node);
            let after = dom.subtree_end(node).index();
            if tag == Tag::Text {
                self.take_text(dom, node, &mut run, index < link_end);
            } else if is_never_content(tag) && !is_shown(dom, node, &mut panels) {
                self.fates[index] = Fate::Drop;
                index = after;
                continue;
            } else if tag == Tag::Noscript && !self.without_scripts {
                index = after;
                continue;
            } else if !is_plain_inline(tag) {
                let mut traits = self.take_traits(dom, node, &mut names);
                if traits.is_hidden || traits.hints.has(Hints::HIDDEN) {
                    traits.is_panel |= panels.has(dom, node);
                    self.traits[index].is_panel = traits.is_panel;
                }
                link_end = link_end.max(if traits.is_link { after } else { 0 });
                if is_block(tag) {
                    self.end_run(&mut run);
                }
            }
            index += 1;
        }
        self.end_run(&mut run);
    }

    fn take_text(&mut self, dom: &Dom<'_>, node: NodeId, run: &mut Run, is_linked: bool) {
        if dom.is_blank(node) {
            return;
        }
        let index = node.index();
        let length = dom.raw_text(node).trim().len() as u32;
        if run.text == 0 {
            run.start = index as u32;
        }
        run.text += length;
        self.text[index + 1] = length;
        if is_linked {
            run.linked += length;
            self.linked[index + 1] = length;
        }
    }

    fn take_traits<'s>(&mut self, dom: &Dom<'s>, node: NodeId, names: &mut Names<'s>) -> Traits {
        let traits = traits_of(dom, node, names);
        self.traits[node.index()] = traits;
        if traits.is_body && self.body.is_none() && !self.is_hidden(dom, node) {
            self.body = Some(node);
        }
        traits
    }

    /// Whether an element is in one that is not shown, as the copy of an article for machines is.
    fn is_hidden(&self, dom: &Dom<'_>, node: NodeId) -> bool {
        let mut around = dom.ancestors(node).take(CLIMB);
        around.any(|outer| self.traits[outer.index()].is_hidden)
    }

    fn end_run(&mut self, run: &mut Run) {
        if run.text > 0 {
            self.runs.push(*run);
        }
        *run = Run::default();
    }

    /// Lets the sums run, first over the runs' scores.
    fn sum(&mut self, dom: &Dom<'_>) {
        for run in &self.runs {
            self.score[run.start as usize + 1] = run.score();
            self.titles[run.start as usize + 1] = u32::from(run.is_title());
        }
        for sums in [
            &mut self.text,
            &mut self.linked,
            &mut self.score,
            &mut self.titles,
        ] {
            let mut total = 0;
            for value in sums.iter_mut() {
                total += *value;
                *value = total;
            }
        }
        debug_assert_eq!(self.text.len(), dom.len() + 1);
    }

    /// Drops a subtree; to be called in document order and outside of what is dropped already, before
    /// [`Self::sum_again`].
    pub(super) fn drop_subtree(&mut self, node: NodeId) {
        self.fates[node.index()] = Fate::Drop;
    }

    /// The sums without what was dropped since.
    pub(super) fn sum_again(&mut self, dom: &Dom<'_>) {
        let mut kept = vec![true; dom.len() + 1];
        let mut index = 0;
        while index < dom.len() {
            if self.fates[index] == Fate::Drop {
                let end = dom.subtree_end(NodeId::from_index(index)).index();
                kept[index + 1..=end].fill(false);
                index = end;
            } else {
                index += 1;
            }
        }
        for sums in [&mut self.text, &mut self.linked, &mut self.score] {
            let (mut before, mut total) = (0, 0);
            for (value, &kept) in sums.iter_mut().zip(&kept) {
                let own = *value - before;
                before = *value;
                total += if kept { own } else { 0 };
                *value = total;
            }
        }
    }

    /// Weighs elements by the text that lies together in them: the square of what an element holds itself or one
    /// level below, so that one long text outweighs many short ones.
    pub(super) fn weigh(&mut self, dom: &Dom<'_>) {
        let mut direct = vec![0.0; dom.len() + 1];
        for run in &self.runs {
            let start = NodeId::from_index(run.start as usize);
            let score = f64::from(self.score[start.index() + 1] - self.score[start.index()]);
            if score == 0.0 {
                continue;
            }
            let Some(container) = container_of(dom, start) else {
                continue;
            };
            direct[container.index() + 1] += score;
            if let Some(outer) = container_of(dom, container) {
                direct[outer.index() + 1] += score * SHARE_OF_OUTER;
            }
        }
        let mut total = 0.0;
        for value in &mut direct {
            total += *value * *value;
            *value = total;
        }
        self.mass = direct;
    }

    pub(super) fn mass(&self, dom: &Dom<'_>, node: NodeId) -> f64 {
        self.mass[dom.subtree_end(node).index()] - self.mass[node.index()]
    }

    pub(super) fn text(&self, dom: &Dom<'_>, node: NodeId) -> u32 {
        difference(&self.text, dom, node)
    }

    pub(super) fn linked(&self, dom: &Dom<'_>, node: NodeId) -> u32 {
        difference(&self.linked, dom, node)
    }

    pub(super) fn score(&self, dom: &Dom<'_>, node: NodeId) -> u32 {
        difference(&self.score, dom, node)
    }

    /// How many texts in a subtree are nothing but links.
    pub(super) fn titles(&self, dom: &Dom<'_>, node: NodeId) -> u32 {
        difference(&self.titles, dom, node)
    }

    /// Whether the text that a node stands in speaks for being the content.
    pub(super) fn is_in_content(&self, node: NodeId) -> bool {
        let behind = self
            .runs
            .partition_point(|run| run.start as usize <= node.index());
        behind > 0 && self.runs[behind - 1].score() > 0
    }

    pub(super) fn hints(&self, node: NodeId) -> Hints {
        self.traits[node.index()].hints
    }

    pub(super) fn is_dropped(&self, node: NodeId) -> bool {
        self.fates[node.index()] == Fate::Drop
    }
}

/// Whether browsers show an element of a kind that mostly holds no content.
fn is_shown<'s>(dom: &Dom<'s>, node: NodeId, panels: &mut Panels<'s>) -> bool {
    match dom.tag(node) {
        Tag::Template => shadow::is_root(dom, node),
        Tag::Button => panels.opens(dom, node),
        _ => false,
    }
}

/// How much of a text counts for the container around that which holds it.
const SHARE_OF_OUTER: f64 = 0.5;
/// Elements that are climbed at most: texts lie no deeper in their container.
const CLIMB: usize = 12;

/// The nearest element around a node that holds more than one text.
fn container_of(dom: &Dom<'_>, node: NodeId) -> Option<NodeId> {
    dom.ancestors(node).take(CLIMB).find(|&ancestor| {
        matches!(
            dom.tag(ancestor),
            Tag::Div
                | Tag::Section
                | Tag::Article
                | Tag::Main
                | Tag::Td
                | Tag::Body
                | Tag::Center
                | Tag::Form
                | Tag::Other
                | Tag::Ul
                | Tag::Ol
        )
    })
}

fn difference(sums: &[u32], dom: &Dom<'_>, node: NodeId) -> u32 {
    sums[dom.subtree_end(node).index()] - sums[node.index()]
}
