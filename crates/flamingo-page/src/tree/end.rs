//! What an end tag ends.

use super::{Builder, IN_HTML, OpenKind, Place};
use crate::node::TextKind;
use crate::tag::{Rules, Tag};

impl Builder<'_> {
    #[inline]
    pub(super) fn end(&mut self, tag: Tag, name: usize, name_end: usize) {
        let top = self.top();
        if top.kind != OpenKind::Html && self.end_foreign(name, name_end) {
            return;
        }
        // What most end tags do.
        if top.tag == tag
            && tag != Tag::Other
            && !matches!(tag, Tag::Body | Tag::Html | Tag::Head | Tag::Form)
        {
            return self.pop_to(self.open.len() - 1);
        }
        self.end_outer(tag, name, name_end);
    }

    /// The end tag of an element that is not the innermost.
    fn end_outer(&mut self, tag: Tag, name: usize, name_end: usize) {
        match tag {
            Tag::Body | Tag::Html => {}
            Tag::Head => {
                if self.place == Place::Head {
                    self.pop_to(IN_HTML);
                    self.place = Place::AfterHead;
                }
            }
            Tag::P => self.end_p(),
            Tag::Br => {
                self.enter_body();
                self.add(tag, 0, 0, TextKind::Decoded);
            }
            Tag::Form => self.end_form(),
            Tag::Template => self.end_within(tag, |_| false),
            Tag::Li => self.end_within(tag, |tag| {
                tag.is(Rules::SCOPE) || matches!(tag, Tag::Ol | Tag::Ul)
            }),
            Tag::Td | Tag::Th | Tag::Caption => self.end_within(tag, is_table_barrier),
            Tag::Other => self.end_other(name, name_end),
            _ if tag.is(Rules::TABLE_PART) => self.end_within(tag, is_table_barrier),
            _ if tag.is(Rules::BLOCK) => self.end_within(tag, |tag| tag.is(Rules::SCOPE)),
            _ if tag.is(Rules::HEADING) => self.end_heading(),
            _ if tag.is(Rules::FORMATTING) => self.end_formatting(tag),
            _ => self.end_within(tag, |tag| tag.is(Rules::SPECIAL)),
        }
    }

    fn end_within(&mut self, tag: Tag, is_barrier: impl Fn(Tag) -> bool) {
        if let Some(depth) = self.innermost(tag, is_barrier) {
            self.pop_to(depth);
        }
    }

    /// Without a paragraph there is one, empty, which parts what stands around it.
    fn end_p(&mut self) {
        match self.open_paragraph() {
            Some(depth) => self.pop_to(depth),
            None if self.place == Place::Body => {
                self.add(Tag::P, 0, 0, TextKind::Decoded);
            }
            None => {}
        }
    }

    /// The end tag of any heading ends any other.
    fn end_heading(&mut self) {
        let mut open = self.open.iter().enumerate().rev();
        let stop = open.find(|(_, open)| open.tag.is(Rules::HEADING) || open.tag.is(Rules::SCOPE));
        if let Some((depth, open)) = stop
            && open.tag.is(Rules::HEADING)
        {
            self.pop_to(depth);
        }
    }

    /// Ends an inline element; inside a block that stands in it, it ends with the block.
    pub(super) fn end_formatting(&mut self, tag: Tag) {
        let Some(depth) = self.innermost(tag, |tag| tag.is(Rules::SCOPE)) else {
            return;
        };
        if self.open[depth..]
            .iter()
            .any(|open| open.tag.is(Rules::SPECIAL))
        {
            self.open[depth].ended = true;
        } else {
            self.pop_to(depth);
        }
    }

    /// Ends the form; what is still open inside it stays so.
    fn end_form(&mut self) {
        if !std::mem::take(&mut self.form) {
            return;
        }
        let Some(depth) = self.innermost(Tag::Form, |tag| tag.is(Rules::SCOPE)) else {
            return;
        };
        while self.top().tag.is(Rules::IMPLIED_END) {
            self.pop_to(self.open.len() - 1);
        }
        self.open[depth].ended = true;
        self.pop_to(self.open.len());
    }

    /// Ends an element that is none of HTML's.
    fn end_other(&mut self, name: usize, name_end: usize) {
        if !self.has(Tag::Other) {
            return;
        }
        for depth in (0..self.open.len()).rev() {
            let open = self.open[depth];
            if open.tag == Tag::Other && self.is_named(open.node, name, name_end) {
                return self.pop_to(depth);
            }
            if open.tag.is(Rules::SPECIAL) || open.kind == OpenKind::Integration {
                return;
            }
        }
    }

    /// Whether the element's name is that at this place of the source.
    pub(super) fn is_named(&self, node: u32, name: usize, name_end: usize) -> bool {
        let own = self.name_at(self.nodes[node as usize].start as usize);
        own.eq_ignore_ascii_case(&self.tokens.bytes[name..name_end])
    }
}

fn is_table_barrier(tag: Tag) -> bool {
    matches!(tag, Tag::Table | Tag::Template | Tag::Html)
}
