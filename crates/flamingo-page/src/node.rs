//! What the tree is built of.

use crate::tag::Tag;

/// The most nodes of a page.
pub(crate) const MAX_NODES: usize = 1 << 22;

/// 20 bytes a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// An element: from its name to after its `>`. A text: what it holds. Empty where implied.
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) parent: u32,
    /// The first node after it that is not inside it.
    pub(crate) subtree_end: u32,
    pub(crate) tag: Tag,
    pub(crate) text: TextKind,
}

/// How a text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextKind {
    /// As any other; an element, too.
    Decoded,
    /// Of white space alone.
    Blank,
    /// As it stands: that of scripts and styles.
    Raw,
}
