//! What a start tag ends, and what it begins.

use super::{Builder, IN_HTML, OpenKind, Place};
use crate::node::TextKind;
use crate::tag::{Rules, Tag};

impl Builder<'_> {
    #[inline]
    pub(super) fn start(&mut self, tag: Tag, start: usize, end: usize) {
        if self.top().kind == OpenKind::Foreign && !self.break_out(tag) {
            return self.start_foreign(tag, start, end);
        }
        if self.place != Place::Body && !self.before_body(tag, start, end) {
            return;
        }
        if tag.is(Rules::CLOSES_P)
            && let Some(depth) = self.open_paragraph()
        {
            self.pop_to(depth);
        }
        if !tag.is(Rules::START_RULE) || self.makes_room(tag, start, end) {
            self.begin(tag, start, end);
        }
    }

    /// Adds the element and goes into it, as far as it has content.
    #[inline]
    fn begin(&mut self, tag: Tag, start: usize, end: usize) {
        if tag.is(Rules::VOID) {
            self.add(tag, start, end, TextKind::Decoded);
            return;
        }
        self.push(tag, start, end, OpenKind::Html);
        if tag.is(Rules::CONTENT_RULE) {
            self.begin_content(tag);
        }
    }

    fn begin_content(&mut self, tag: Tag) {
        match tag {
            Tag::Pre | Tag::Listing => self.tokens.skip_newline(),
            Tag::Plaintext => {
                let (start, end) = self.tokens.rest();
                self.add_text(start, end, TextKind::Raw);
            }
            _ => {
                if tag == Tag::Textarea {
                    self.tokens.skip_newline();
                }
                let is_raw = tag.is(Rules::RAW);
                let (start, end) = self.tokens.raw(tag);
                let text = if is_raw {
                    TextKind::Raw
                } else {
                    TextKind::Decoded
                };
                self.add_text(start, end, text);
                self.pop();
            }
        }
    }

    /// Before the body: whether the element is still to be added.
    fn before_body(&mut self, tag: Tag, start: usize, end: usize) -> bool {
        match tag {
            Tag::Html => {
                self.give_attributes(IN_HTML - 1, start, end);
                return false;
            }
            Tag::Head => {
                if self.place == Place::BeforeHead {
                    self.place = Place::Head;
                    self.push(tag, start, end, OpenKind::Html);
                }
                return false;
            }
            Tag::Body | Tag::Frameset => {
                self.pop_to(IN_HTML);
                self.place = Place::Body;
                self.push(tag, start, end, OpenKind::Html);
                return false;
            }
            _ => {}
        }
        if !tag.is(Rules::HEAD) {
            self.enter_body();
        } else if self.place == Place::BeforeHead {
            self.place = Place::Head;
            self.push_implied(Tag::Head);
        }
        true
    }

    /// Gives an element that was implied the tag that came late.
    fn give_attributes(&mut self, depth: usize, start: usize, end: usize) {
        let Some(open) = self.open.get(depth) else {
            return;
        };
        let node = &mut self.nodes[open.node as usize];
        if node.start == node.end {
            (node.start, node.end) = (start as u32, end as u32);
        }
    }

    /// Ends what cannot hold the element; whether it is still to be added.
    fn makes_room(&mut self, tag: Tag, start: usize, end: usize) -> bool {
        match tag {
            Tag::Html => self.give_attributes(IN_HTML - 1, start, end),
            Tag::Body if self.open_tag(IN_HTML) == Some(Tag::Body) => {
                self.give_attributes(IN_HTML, start, end);
            }
            Tag::Body | Tag::Head => {}
            Tag::Frame | Tag::Frameset => return true,
            Tag::Form => return self.start_form(start, end),
            Tag::Svg | Tag::Math => self.start_foreign(tag, start, end),
            Tag::Other => return self.start_other(start, end),
            _ => return self.ends_others(tag),
        }
        false
    }

    fn ends_others(&mut self, tag: Tag) -> bool {
        match tag {
            Tag::Li => self.end_item(&[Tag::Li]),
            Tag::Dd | Tag::Dt => self.end_item(&[Tag::Dd, Tag::Dt]),
            Tag::A | Tag::Nobr => self.end_formatting(tag),
            Tag::Button => {
                if let Some(depth) = self.innermost(tag, |tag| tag.is(Rules::SCOPE)) {
                    self.pop_to(depth);
                }
            }
            Tag::Option | Tag::Optgroup => self.end_options(tag),
            Tag::Rb | Tag::Rt | Tag::Rtc | Tag::Rp => self.end_ruby(tag),
            Tag::Table => self.end_table_around(),
            _ if tag.is(Rules::HEADING) => {
                if self.top().tag.is(Rules::HEADING) {
                    self.pop_to(self.open.len() - 1);
                }
            }
            _ => return self.start_table_part(tag),
        }
        true
    }

    /// An item ends the item before it, unless a block stands between.
    fn end_item(&mut self, tags: &[Tag]) {
        if !tags.iter().any(|&tag| self.has(tag)) {
            return;
        }
        for depth in (0..self.open.len()).rev() {
            let tag = self.open[depth].tag;
            if tags.contains(&tag) {
                return self.pop_to(depth);
            }
            let is_passed = matches!(tag, Tag::Address | Tag::Div | Tag::P);
            if tag.is(Rules::SPECIAL) && !is_passed {
                return;
            }
        }
    }

    fn end_options(&mut self, tag: Tag) {
        if self.top().tag == Tag::Option {
            self.pop_to(self.open.len() - 1);
        }
        if tag == Tag::Optgroup && self.top().tag == tag {
            self.pop_to(self.open.len() - 1);
        }
    }

    fn end_ruby(&mut self, tag: Tag) {
        if !self.has(Tag::Ruby) {
            return;
        }
        let stays = |open: Tag| open == Tag::Rtc && matches!(tag, Tag::Rt | Tag::Rp);
        while self.top().tag.is(Rules::IMPLIED_END) && !stays(self.top().tag) {
            self.pop_to(self.open.len() - 1);
        }
    }

    /// A table between the cells of another ends that.
    fn end_table_around(&mut self) {
        if self.top().tag.is(Rules::TABLE_PART) {
            let depth = self.table_depth();
            if self.open[depth].tag == Tag::Table {
                self.pop_to(depth);
            }
        }
    }

    /// A part of a table ends what is open in the part before; without a table it is nothing.
    fn start_table_part(&mut self, tag: Tag) -> bool {
        if !self.has(Tag::Table) && !self.has(Tag::Template) {
            return false;
        }
        let table = self.table_depth();
        let inner = |is_holder: fn(Tag) -> bool| {
            let mut open = self.open[table + 1..].iter();
            open.position(|open| is_holder(open.tag))
                .map(|at| table + 1 + at)
        };
        let section = |tag| matches!(tag, Tag::Tbody | Tag::Thead | Tag::Tfoot);
        let row = inner(|tag| tag == Tag::Tr);
        let holder = match tag {
            Tag::Td | Tag::Th => row.or_else(|| inner(section)),
            Tag::Tr => inner(section),
            Tag::Col => inner(|tag| tag == Tag::Colgroup),
            _ => None,
        };
        self.pop_to(holder.unwrap_or(table) + 1);
        if matches!(tag, Tag::Td | Tag::Th) && row.is_none() {
            self.push_implied(Tag::Tr);
        }
        true
    }

    fn start_form(&mut self, start: usize, end: usize) -> bool {
        if self.form && !self.has(Tag::Template) {
            return false;
        }
        self.form = true;
        if self.top().tag.is(Rules::TABLE_PART) {
            self.add(Tag::Form, start, end, TextKind::Decoded);
            return false;
        }
        true
    }

    /// `image` is an old name of `img`.
    fn start_other(&mut self, start: usize, end: usize) -> bool {
        let name = self.name_at(start);
        if !name.eq_ignore_ascii_case(b"image") {
            return true;
        }
        self.add(Tag::Img, start, end, TextKind::Decoded);
        false
    }
}
