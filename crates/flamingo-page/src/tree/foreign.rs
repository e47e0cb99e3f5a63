//! Drawings and formulas in a page, whose elements are not those of HTML.

use super::{Builder, OpenKind};
use crate::attributes::{Attributes, Step, next_attribute};
use crate::node::TextKind;
use crate::tag::{Rules, Tag};

/// Their content is HTML.
const INTEGRATION: [&[u8]; 8] = [
    b"foreignobject",
    b"desc",
    b"title",
    b"mi",
    b"mo",
    b"mn",
    b"ms",
    b"mtext",
];

impl Builder<'_> {
    /// An element of HTML that no drawing holds ends it; whether that is so.
    pub(super) fn break_out(&mut self, tag: Tag) -> bool {
        if !tag.is(Rules::BREAKS_OUT) {
            return false;
        }
        while self.top().kind == OpenKind::Foreign {
            self.pop_to(self.open.len() - 1);
        }
        true
    }

    /// Adds a part of a drawing. Whatever its name, it is no element of HTML.
    pub(super) fn start_foreign(&mut self, tag: Tag, start: usize, end: usize) {
        let tag = match tag {
            Tag::Svg | Tag::Math => tag,
            _ => Tag::Other,
        };
        if self.is_self_closing(start, end) {
            self.add(tag, start, end, TextKind::Decoded);
            return;
        }
        let is_integration = tag == Tag::Other && self.is_integration(start, end);
        let kind = if is_integration {
            OpenKind::Integration
        } else {
            OpenKind::Foreign
        };
        self.push(tag, start, end, kind);
    }

    /// Ends the innermost part of that name, if it is in the drawing; whether no more is to be done.
    pub(super) fn end_foreign(&mut self, name: usize, name_end: usize) -> bool {
        let ending = &self.tokens.bytes[name..name_end];
        if ending.eq_ignore_ascii_case(b"p") || ending.eq_ignore_ascii_case(b"br") {
            self.break_out(Tag::P);
            return false;
        }
        for depth in (0..self.open.len()).rev() {
            let open = self.open[depth];
            if open.kind == OpenKind::Html {
                return false;
            }
            if self.is_named(open.node, name, name_end) {
                self.pop_to(depth);
                return true;
            }
        }
        false
    }

    /// The name that begins at this place of the source.
    pub(super) fn name_at(&self, start: usize) -> &[u8] {
        let rest = &self.tokens.bytes[start..];
        let is_end = |&byte: &u8| matches!(byte, b'/' | b'>') || crate::attributes::is_space(byte);
        &rest[..rest.iter().position(is_end).unwrap_or(rest.len())]
    }

    fn is_integration(&self, start: usize, end: usize) -> bool {
        let name = self.name_at(start);
        if name.eq_ignore_ascii_case(b"annotation-xml") {
            let attributes = std::str::from_utf8(&self.tokens.bytes[start + name.len()..end]);
            return attributes.is_ok_and(|attributes| {
                Attributes::new(attributes)
                    .find(|attribute| attribute.name.eq_ignore_ascii_case("encoding"))
                    .is_some_and(|encoding| encoding.raw.contains("html"))
            });
        }
        INTEGRATION
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether the tag ends in `/>`, of which the `/` is not a value's.
    fn is_self_closing(&self, start: usize, end: usize) -> bool {
        let tag = &self.tokens.bytes[start..end];
        if !tag.ends_with(b"/>") {
            return false;
        }
        let mut at = self.name_at(start).len();
        while let Step::Attribute(found) = next_attribute(tag, at) {
            at = found.next;
        }
        at + 1 < tag.len()
    }
}
