//! Tags and texts to a tree, by the rules of browsers as far as they move content.
//!
//! Where it differs: an inline element that is closed inside a block stays open until the block
//! ends, content between the cells of a table stays there, and there is no depth beyond [`MAX_DEPTH`].

use crate::attributes::is_space;
use crate::dom::{Buffers, Dom, Node, TextKind};
use crate::tag::{Rules, Tag};
use crate::tokens::{Token, Tokens};

/// The most elements inside one another; those any deeper become siblings.
const MAX_DEPTH: usize = 512;

/// An element whose end has not come yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    node: u32,
    tag: Tag,
    /// Part of a drawing or formula.
    foreign: bool,
    /// Its content is HTML again.
    integration: bool,
}

/// The nodes of a page, and whether there were too many.
pub(crate) fn build(source: &str, buffers: &mut Buffers) -> (Vec<Node>, bool) {
    // Places are 32 bits wide.
    let longest = u32::MAX as usize - 1;
    let bytes = &source.as_bytes()[..source.len().min(longest)];
    let mut builder = Builder {
        tokens: Tokens::new(bytes),
        nodes: std::mem::take(&mut buffers.nodes),
        open: std::mem::take(&mut buffers.open),
        counts: [0; Tag::COUNT],
        place: Place::BeforeHead,
        form: None,
    };
    builder.nodes.clear();
    builder.open.clear();
    let whole = builder.run();
    buffers.open = builder.open;
    (builder.nodes, !whole || bytes.len() < source.len())
}

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
    /// The form that is open, by its node.
    form: Option<u32>,
}

impl Builder<'_> {
    fn run(&mut self) -> bool {
        self.push(Tag::Document, 0, 0);
        self.push(Tag::Html, 0, 0);
        let mut whole = true;
        while let Some(token) = self.tokens.next() {
            if self.nodes.len() + 8 > Dom::MAX_NODES {
                whole = false;
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
        whole
    }

    fn top(&self) -> Open {
        *self.open.last().expect("the document is open")
    }

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

    fn push(&mut self, tag: Tag, start: usize, end: usize) {
        if self.open.len() >= MAX_DEPTH {
            self.pop();
        }
        let node = self.add(tag, start, end, TextKind::Decoded);
        self.open.push(Open {
            node,
            tag,
            foreign: false,
            integration: false,
        });
        self.counts[tag as usize] += 1;
    }

    fn pop(&mut self) {
        if let Some(open) = self.open.pop() {
            self.counts[open.tag as usize] -= 1;
            self.nodes[open.node as usize].subtree_end = self.nodes.len() as u32;
        }
    }

    /// Ends all open elements from the `depth`th on.
    fn pop_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            self.pop();
        }
    }

    fn text(&mut self, start: usize, end: usize) {
        let blank = self.tokens.bytes[start..end]
            .iter()
            .all(|&byte| is_space(byte));
        if blank && self.top().tag.is(Rules::BLANK_DROPPED) {
            return;
        }
        if !blank {
            self.enter_body();
        }
        self.add_text(
            start,
            end,
            if blank {
                TextKind::Blank
            } else {
                TextKind::Decoded
            },
        );
    }

    fn add_text(&mut self, start: usize, end: usize, text: TextKind) {
        if start < end {
            self.add(Tag::Text, start, end, text);
        }
    }

    fn enter_body(&mut self) {
        if self.place != Place::Body && self.counts[Tag::Noscript as usize] == 0 {
            self.pop_to(2);
            self.place = Place::Body;
            self.push(Tag::Body, 0, 0);
        }
    }

    fn start(&mut self, tag: Tag, start: usize, end: usize) {
        match tag {
            Tag::Html | Tag::Head => return,
            Tag::Body if self.place == Place::Body => return,
            Tag::Body => {
                self.pop_to(2);
                self.place = Place::Body;
                return self.push(tag, start, end);
            }
            _ if !tag.is(Rules::HEAD) => self.enter_body(),
            _ => {}
        }
        if tag.is(Rules::CLOSES_P) {
            self.close(Tag::P);
        }
        if tag.is(Rules::IMPLIED_END) && self.top().tag == tag {
            self.pop();
        }
        if tag.is(Rules::VOID) {
            self.add(tag, start, end, TextKind::Decoded);
            return;
        }
        self.push(tag, start, end);
        if tag.is(Rules::RAW) {
            let (start, end) = self.tokens.raw(tag);
            self.add_text(start, end, TextKind::Raw);
            self.pop();
        } else if tag.is(Rules::RAW_DECODED) {
            let (start, end) = self.tokens.raw(tag);
            self.add_text(start, end, TextKind::Decoded);
            self.pop();
        }
    }

    fn end(&mut self, tag: Tag, _name: usize, _name_end: usize) {
        if !matches!(tag, Tag::Body | Tag::Html) {
            self.close(tag);
        }
    }

    fn close(&mut self, tag: Tag) {
        if self.counts[tag as usize] == 0 {
            return;
        }
        if let Some(depth) = self.open.iter().rposition(|open| open.tag == tag) {
            self.pop_to(depth);
        }
    }
}
