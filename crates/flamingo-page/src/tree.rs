//! Tags and texts to a tree, by the rules of browsers as far as they move content.
//!
//! Where it differs: an inline element that is closed inside a block stays open until the block
//! ends; content between the cells of a table stays there; no `tbody` is implied; what is not closed
//! is not opened again in the next block.

mod end;
mod foreign;
mod start;

use crate::attributes::is_space;
use crate::node::{MAX_NODES, Node, TextKind};
use crate::tag::{Rules, Tag};
use crate::tokens::{Token, Tokens};

/// The most elements inside one another; those any deeper become siblings. Browsers do the same.
const MAX_DEPTH: usize = 512;

/// The most nodes that one token makes.
const NODES_OF_TOKEN: usize = 8;

/// Where the `html` element's children stand among the open elements.
const IN_HTML: usize = 2;

/// Memory of a [`Dom`](crate::Dom) for the next one.
#[derive(Debug, Default)]
pub struct Buffers {
    pub(crate) nodes: Vec<Node>,
    open: Vec<Open>,
}

/// An element whose end has not come yet.
#[derive(Clone, Copy, Debug)]
struct Open {
    node: u32,
    tag: Tag,
    kind: OpenKind,
    /// Its end tag stood inside a block in it: it ends as soon as the block does.
    ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OpenKind {
    Html,
    /// Part of a drawing or formula.
    Foreign,
    /// Part of a drawing or formula that holds HTML.
    Integration,
}

/// The nodes of a page, and whether that is all of it.
pub(crate) fn build(source: &str, buffers: &mut Buffers) -> (Vec<Node>, bool) {
    // Places are 32 bits wide.
    let read = &source[..source.floor_char_boundary(u32::MAX as usize)];
    let mut builder = Builder {
        tokens: Tokens::new(read.as_bytes()),
        nodes: std::mem::take(&mut buffers.nodes),
        open: std::mem::take(&mut buffers.open),
        counts: [0; Tag::COUNT],
        place: Place::BeforeHead,
        form: false,
    };
    builder.nodes.clear();
    builder.open.clear();
    let is_whole = builder.run() && read.len() == source.len();
    buffers.open = builder.open;
    (builder.nodes, is_whole)
}

/// How far the page has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    BeforeHead,
    Head,
    AfterHead,
    Body,
}

struct Builder<'s> {
    tokens: Tokens<'s>,
    nodes: Vec<Node>,
    open: Vec<Open>,
    /// How many elements of each kind are open.
    counts: [u16; Tag::COUNT],
    place: Place,
    /// A form has begun and not ended: there are none in it.
    form: bool,
}

impl Builder<'_> {
    fn run(&mut self) -> bool {
        self.push_implied(Tag::Document);
        self.push_implied(Tag::Html);
        let mut is_whole = true;
        while let Some(token) = self.tokens.next(self.top().kind != OpenKind::Html) {
            if self.nodes.len() > MAX_NODES - NODES_OF_TOKEN {
                is_whole = false;
                break;
            }
            match token {
                Token::Text { start, end } => self.text(start, end),
                Token::Cdata { start, end } => self.add_text(start, end, TextKind::Raw),
                Token::Start { tag, start, end } => self.start(tag, start, end),
                Token::End {
                    tag,
                    name,
                    name_end,
                } => self.end(tag, name, name_end),
            }
        }
        self.pop_to(0);
        is_whole
    }

    #[inline]
    fn top(&self) -> Open {
        *self.open.last().expect("the document is open")
    }

    #[inline]
    fn has(&self, tag: Tag) -> bool {
        self.counts[tag as usize] > 0
    }

    #[inline]
    fn add(&mut self, tag: Tag, start: usize, end: usize, text: TextKind) -> u32 {
        let node = self.nodes.len() as u32;
        self.nodes.push(Node {
            start: start as u32,
            end: end as u32,
            parent: self.open.last().map_or(0, |open| open.node),
            subtree_end: node + 1,
            tag,
            text,
        });
        node
    }

    #[inline]
    fn push(&mut self, tag: Tag, start: usize, end: usize, kind: OpenKind) {
        if self.open.len() >= MAX_DEPTH {
            self.pop();
        }
        let node = self.add(tag, start, end, TextKind::Decoded);
        self.open.push(Open {
            node,
            tag,
            kind,
            ended: false,
        });
        self.counts[tag as usize] += 1;
    }

    fn push_implied(&mut self, tag: Tag) {
        self.push(tag, 0, 0, OpenKind::Html);
    }

    #[inline]
    fn pop(&mut self) {
        if let Some(open) = self.open.pop() {
            self.counts[open.tag as usize] -= 1;
            self.nodes[open.node as usize].subtree_end = self.nodes.len() as u32;
        }
    }

    /// Ends all open elements from the `depth`th on, and those around that wait for it.
    #[inline]
    fn pop_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            self.pop();
        }
        while self.open.last().is_some_and(|open| open.ended) {
            self.pop();
        }
    }

    /// The innermost open `tag`, if no element for which `is_barrier` stands inside it.
    #[inline]
    fn innermost(&self, tag: Tag, is_barrier: impl Fn(Tag) -> bool) -> Option<usize> {
        if !self.has(tag) {
            return None;
        }
        for (depth, open) in self.open.iter().enumerate().rev() {
            if open.tag == tag {
                return Some(depth);
            }
            if open.kind == OpenKind::Integration || is_barrier(open.tag) {
                break;
            }
        }
        None
    }

    /// The paragraph that the next block ends.
    #[inline]
    fn open_paragraph(&self) -> Option<usize> {
        self.innermost(Tag::P, |tag| tag.is(Rules::SCOPE) || tag == Tag::Button)
    }

    fn open_tag(&self, depth: usize) -> Option<Tag> {
        self.open.get(depth).map(|open| open.tag)
    }

    /// The innermost open table, template or, without these, the `html` element.
    fn table_depth(&self) -> usize {
        let is_context = |open: &Open| matches!(open.tag, Tag::Table | Tag::Template | Tag::Html);
        self.open.iter().rposition(is_context).unwrap_or(1)
    }

    #[inline]
    fn text(&mut self, start: usize, end: usize) {
        let is_blank = self.tokens.bytes[start..end]
            .iter()
            .all(|&byte| is_space(byte));
        if !is_blank {
            self.enter_body();
            self.add_text(start, end, TextKind::Decoded);
        } else if !self.top().tag.is(Rules::BLANK_DROPPED) {
            self.add_text(start, end, TextKind::Blank);
        }
    }

    #[inline]
    fn add_text(&mut self, start: usize, end: usize, text: TextKind) {
        if start < end {
            self.add(Tag::Text, start, end, text);
        }
    }

    /// Content has come: the head is over, unless it stands in an element there that may hold it.
    #[inline]
    fn enter_body(&mut self) {
        if self.place != Place::Body && !self.has(Tag::Noscript) && !self.has(Tag::Template) {
            self.pop_to(IN_HTML);
            self.place = Place::Body;
            self.push_implied(Tag::Body);
        }
    }
}

#[cfg(test)]
mod tests;
