//! A parsed page: its elements and texts in document order, in one array.
//!
//! A node's descendants are the nodes that follow it up to its end, so that a walk over a subtree
//! is a walk over a slice. Text and attributes are ranges of the source, decoded when read.

use std::borrow::Cow;
use std::ops::Range;

use crate::attributes::{Attribute, Attributes};
use crate::entities;
use crate::node::{self, Node, TextKind};
use crate::tag::Tag;
use crate::tree::{self, Buffers};

/// A node of a [`Dom`]; nodes are numbered in document order from 0, the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// The document, whose child is the `html` element.
    pub const ROOT: Self = Self(0);

    /// Its number, for arrays that run beside the nodes (of [`Dom::len`] entries).
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The node of this number.
    #[inline]
    pub const fn from_index(index: usize) -> Self {
        Self(index as u32)
    }
}

/// A parsed page.
///
/// All look-ups take constant time but where their documentation says otherwise.
#[derive(Debug)]
pub struct Dom<'s> {
    source: &'s str,
    nodes: Vec<Node>,
    truncated: bool,
}

impl<'s> Dom<'s> {
    /// The most nodes of a page, 84 MB of them; what comes after is dropped, see
    /// [`Self::is_truncated`].
    pub const MAX_NODES: usize = node::MAX_NODES;

    /// Parses a page of any content; never fails. Takes time linear in its length.
    pub fn parse(source: &'s str) -> Self {
        Self::parse_with(source, &mut Buffers::default())
    }

    /// [`Self::parse`] in the memory that an earlier page gave back by [`Self::recycle`].
    pub fn parse_with(source: &'s str, buffers: &mut Buffers) -> Self {
        let (nodes, is_whole) = tree::build(source, buffers);
        Self {
            source,
            nodes,
            truncated: !is_whole,
        }
    }

    /// Gives its memory back for the next page.
    pub fn recycle(mut self, buffers: &mut Buffers) {
        self.nodes.clear();
        buffers.nodes = self.nodes;
    }

    /// Whether the page was too large, so that its end is missing.
    pub const fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// How many nodes there are, the document included; never zero.
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What was parsed.
    pub const fn source(&self) -> &'s str {
        self.source
    }

    /// What a node is.
    #[inline]
    pub fn tag(&self, node: NodeId) -> Tag {
        self.nodes[node.index()].tag
    }

    /// Whether it is a text.
    #[inline]
    pub fn is_text(&self, node: NodeId) -> bool {
        self.tag(node) == Tag::Text
    }

    /// Whether it is a text of white space alone.
    ///
    /// Where these mean nothing, as between the rows of a table, there is no node for them.
    #[inline]
    pub fn is_blank(&self, node: NodeId) -> bool {
        self.nodes[node.index()].text == TextKind::Blank
    }

    /// An element's name as it stands in the source; empty for one that is implied or no element.
    ///
    /// Linear in the name's length. For elements of HTML, [`Tag::name`] is in lower case.
    pub fn name(&self, node: NodeId) -> &'s str {
        let tag = self.tag_source(node);
        &tag[..name_length(tag)]
    }

    /// A text as it stands in the source, character references not decoded; empty for an element.
    #[inline]
    pub fn raw_text(&self, node: NodeId) -> &'s str {
        let at = &self.nodes[node.index()];
        match at.tag {
            Tag::Text => &self.source[at.start as usize..at.end as usize],
            _ => "",
        }
    }

    /// A text with its character references decoded, empty for an element.
    ///
    /// Linear in the text's length; borrowed where there is nothing to decode.
    pub fn text(&self, node: NodeId) -> Cow<'s, str> {
        let raw = self.raw_text(node);
        match self.nodes[node.index()].text {
            TextKind::Decoded => entities::decode_text(raw),
            TextKind::Blank | TextKind::Raw => entities::clean_raw(raw),
        }
    }

    /// Adds all texts in a subtree to `out`, in order and with nothing between them.
    pub fn text_content(&self, node: NodeId, out: &mut String) {
        for node in self.subtree(node) {
            out.push_str(&self.text(node));
        }
    }

    /// The attributes of an element in source order, read while iterated.
    #[inline]
    pub fn attributes(&self, node: NodeId) -> Attributes<'s> {
        let tag = self.tag_source(node);
        Attributes::new(&tag[name_length(tag)..])
    }

    /// The decoded value of an attribute, empty where it has none; `name` is in lower case.
    ///
    /// Reads the tag up to it. Several attributes of one element: rather [`Self::attrs`].
    pub fn attr(&self, node: NodeId, name: &str) -> Option<Cow<'s, str>> {
        self.raw_attr(node, name).map(entities::decode_attribute)
    }

    /// [`Self::attr`] as it stands in the source.
    pub fn raw_attr(&self, node: NodeId, name: &str) -> Option<&'s str> {
        self.attributes(node)
            .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
            .map(|attribute| attribute.raw)
    }

    /// The decoded values of several attributes, by one pass over the tag.
    pub fn attrs<const N: usize>(
        &self,
        node: NodeId,
        names: [&str; N],
    ) -> [Option<Cow<'s, str>>; N] {
        let mut values = [const { None }; N];
        for Attribute { name, raw } in self.attributes(node) {
            let known = names
                .iter()
                .position(|known| known.eq_ignore_ascii_case(name));
            if let Some(at) = known
                && values[at].is_none()
            {
                values[at] = Some(entities::decode_attribute(raw));
            }
        }
        values
    }

    /// The element that a node is in; none for the document.
    #[inline]
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        (node != NodeId::ROOT).then(|| NodeId(self.nodes[node.index()].parent))
    }

    /// The elements that a node is in, the nearest first, the document last.
    pub fn ancestors(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.parent(node), |&node| self.parent(node))
    }

    /// The first node after `node` in document order that is not inside it; it may be one past the
    /// last node.
    #[inline]
    pub fn subtree_end(&self, node: NodeId) -> NodeId {
        NodeId(self.nodes[node.index()].subtree_end)
    }

    /// Whether `node` is `ancestor` or inside it.
    #[inline]
    pub fn contains(&self, ancestor: NodeId, node: NodeId) -> bool {
        (ancestor..self.subtree_end(ancestor)).contains(&node)
    }

    /// The next node with the same parent.
    #[inline]
    pub fn next_sibling(&self, node: NodeId) -> Option<NodeId> {
        let next = self.subtree_end(node);
        let parent = self.parent(node)?;
        (next < self.subtree_end(parent)).then_some(next)
    }

    /// The first node inside an element.
    #[inline]
    pub fn first_child(&self, node: NodeId) -> Option<NodeId> {
        let next = NodeId(node.0 + 1);
        (next < self.subtree_end(node)).then_some(next)
    }

    /// The nodes right inside an element, in order.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.first_child(node), |&node| self.next_sibling(node))
    }

    /// A node and all nodes inside it, in document order.
    #[inline]
    pub fn subtree(&self, node: NodeId) -> Nodes {
        Nodes(node.0..self.subtree_end(node).0)
    }

    /// All nodes inside a node, in document order.
    #[inline]
    pub fn descendants(&self, node: NodeId) -> Nodes {
        Nodes(node.0 + 1..self.subtree_end(node).0)
    }

    /// The first element of this kind in the page; looks through all nodes before it.
    pub fn find_first(&self, tag: Tag) -> Option<NodeId> {
        self.subtree(NodeId::ROOT)
            .find(|&node| self.tag(node) == tag)
    }

    /// An element's tag from its name on.
    #[inline]
    fn tag_source(&self, node: NodeId) -> &'s str {
        let at = &self.nodes[node.index()];
        match at.tag {
            Tag::Text => "",
            _ => &self.source[at.start as usize..at.end as usize],
        }
    }
}

fn name_length(tag: &str) -> usize {
    tag.bytes()
        .position(|byte| matches!(byte, b'/' | b'>') || crate::attributes::is_space(byte))
        .unwrap_or(tag.len())
}

/// A run of nodes in document order.
#[derive(Clone, Debug)]
pub struct Nodes(Range<u32>);

impl Iterator for Nodes {
    type Item = NodeId;

    #[inline]
    fn next(&mut self) -> Option<NodeId> {
        self.0.next().map(NodeId)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Nodes {}

impl DoubleEndedIterator for Nodes {
    fn next_back(&mut self) -> Option<NodeId> {
        self.0.next_back().map(NodeId)
    }
}
