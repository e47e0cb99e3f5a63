//! The source cut into tags and texts; comments and declarations are passed over.

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter, memchr2_iter, memmem};

use crate::attributes::{Step, find_near, next_attribute};
use crate::tag::Tag;

/// A piece of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Text {
        start: usize,
        end: usize,
    },
    /// What a CDATA section holds.
    Cdata {
        start: usize,
        end: usize,
    },
    /// From the name to after the `>`.
    Start {
        tag: Tag,
        start: usize,
        end: usize,
    },
    End {
        tag: Tag,
        name: usize,
        name_end: usize,
    },
}

pub(crate) struct Tokens<'s> {
    pub(crate) bytes: &'s [u8],
    at: usize,
    /// Finds `</`.
    end_tags: Finder<'static>,
}

/// Of the bytes of a name their lower case; zero of those that end it.
const NAME: [u8; 256] = {
    let mut name = [0; 256];
    let mut at = 0;
    while at < 256 {
        name[at] = (at as u8).to_ascii_lowercase();
        at += 1;
    }
    let ends = b" \t\n\r\x0c/>";
    at = 0;
    while at < ends.len() {
        name[ends[at] as usize] = 0;
        at += 1;
    }
    // It would be replaced: no name of an element holds it.
    name[0] = 0xff;
    name
};

impl<'s> Tokens<'s> {
    pub(crate) fn new(bytes: &'s [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            end_tags: Finder::new(b"</"),
        }
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn find(&self, byte: u8, from: usize) -> Option<usize> {
        memchr(byte, self.bytes.get(from..)?).map(|found| from + found)
    }

    /// The next piece; inside a drawing or formula, CDATA sections are texts.
    #[inline]
    pub(crate) fn next(&mut self, is_foreign: bool) -> Option<Token> {
        while self.at < self.bytes.len() {
            let start = self.at;
            let end = self.markup(start);
            if end > start {
                self.at = end;
                return Some(Token::Text { start, end });
            }
            if let Some(token) = self.tag(is_foreign) {
                return Some(token);
            }
        }
        None
    }

    /// Where the next `<` stands that begins markup.
    #[inline]
    fn markup(&self, mut from: usize) -> usize {
        while let Some(at) = find_near(b'<', &self.bytes[from..]).map(|found| from + found) {
            match self.byte(at + 1) {
                b'a'..=b'z' | b'A'..=b'Z' | b'!' | b'?' => return at,
                b'/' if at + 2 < self.bytes.len() => return at,
                _ => from = at + 1,
            }
        }
        self.bytes.len()
    }

    /// The tag at `at`, where `<` stands; none where it is other markup, or where the source ends in it.
    #[inline]
    fn tag(&mut self, is_foreign: bool) -> Option<Token> {
        let at = self.at;
        match self.byte(at + 1) {
            b'!' => self.declaration(is_foreign),
            b'?' => self.skip_to(b'>', at + 1),
            b'/' if self.byte(at + 2).is_ascii_alphabetic() => {
                let (tag, name_end) = self.name(at + 2);
                self.end_of_tag(name_end)?;
                Some(Token::End {
                    tag,
                    name: at + 2,
                    name_end,
                })
            }
            b'/' => self.skip_to(b'>', at + 2),
            _ => {
                let (tag, name_end) = self.name(at + 1);
                let end = self.end_of_tag(name_end)?;
                Some(Token::Start {
                    tag,
                    start: at + 1,
                    end,
                })
            }
        }
    }

    #[inline]
    fn name(&self, start: usize) -> (Tag, usize) {
        let mut word = 0;
        let mut at = start;
        while let Some(&byte) = self.bytes.get(at) {
            let lower = NAME[byte as usize];
            if lower == 0 {
                break;
            }
            if at - start < 8 {
                word |= u64::from(lower) << (8 * (at - start));
            }
            at += 1;
        }
        let tag = match at - start {
            0..=8 => Tag::of_packed(word),
            _ => Tag::of_long(&self.bytes[start..at]),
        };
        (tag, at)
    }

    /// Moves behind the tag whose attributes begin at `at`.
    #[inline]
    fn end_of_tag(&mut self, mut at: usize) -> Option<usize> {
        loop {
            match next_attribute(self.bytes, at) {
                Step::Attribute(found) => at = found.next,
                Step::End(end) => {
                    self.at = end + 1;
                    return Some(self.at);
                }
                Step::Eof => {
                    self.at = self.bytes.len();
                    return None;
                }
            }
        }
    }

    fn skip_to(&mut self, byte: u8, from: usize) -> Option<Token> {
        self.at = self
            .find(byte, from)
            .map_or(self.bytes.len(), |found| found + 1);
        None
    }

    fn declaration(&mut self, is_foreign: bool) -> Option<Token> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"<!--") {
            self.at += comment_length(rest);
            return None;
        }
        if !is_foreign || !rest.starts_with(b"<![CDATA[") {
            return self.skip_to(b'>', self.at + 2);
        }
        let start = self.at + b"<![CDATA[".len();
        let length = memmem::find(&self.bytes[start..], b"]]>");
        let end = length.map_or(self.bytes.len(), |length| start + length);
        self.at = (end + 3).min(self.bytes.len());
        Some(Token::Cdata { start, end })
    }

    /// What an element holds whose content is no markup: up to its end tag, behind which it moves.
    pub(crate) fn raw(&mut self, tag: Tag) -> (usize, usize) {
        let start = self.at;
        let rest = &self.bytes[start..];
        let name = tag.name().as_bytes();
        let mut ends = self.end_tags.find_iter(rest);
        let mut length = ends
            .find(|&at| is_tag(&rest[at + 2..], name))
            .unwrap_or(rest.len());
        if tag == Tag::Script && memmem::find(&rest[..length], b"<!--").is_some() {
            length = script_length(rest);
        }
        let end = start + length;
        self.at = end;
        if end < self.bytes.len() {
            self.end_of_tag(end + 2 + name.len());
        }
        (start, end)
    }

    /// Moves behind a line end.
    pub(crate) fn skip_newline(&mut self) {
        let rest = &self.bytes[self.at..];
        let is_pair = rest.starts_with(b"\r\n");
        let is_single = rest.starts_with(b"\n") || rest.starts_with(b"\r");
        self.at += if is_pair { 2 } else { usize::from(is_single) };
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> (usize, usize) {
        let start = self.at;
        self.at = self.bytes.len();
        (start, self.at)
    }
}

/// Whether a tag of this name goes on with `rest`.
fn is_tag(rest: &[u8], name: &[u8]) -> bool {
    let end = name.len();
    rest.len() > end && rest[..end].eq_ignore_ascii_case(name) && NAME[rest[end] as usize] == 0
}

/// The length of a script that has a comment in it, in which there may be scripts.
fn script_length(rest: &[u8]) -> usize {
    let (mut in_comment, mut in_script) = (false, false);
    for at in memchr2_iter(b'<', b'>', rest) {
        let from = &rest[at..];
        if from.starts_with(b"<!--") {
            in_comment = true;
        } else if from.starts_with(b"</") && is_tag(&from[2..], b"script") {
            if !in_script {
                return at;
            }
            in_script = false;
        } else if in_comment && is_tag(&from[1..], b"script") {
            in_script = true;
        } else if rest[..=at].ends_with(b"-->") {
            (in_comment, in_script) = (false, false);
        }
    }
    rest.len()
}

/// The length of the comment at the start of `rest`, all of it where it does not end.
fn comment_length(rest: &[u8]) -> usize {
    let is_end = |at: usize| {
        let before = &rest[..at];
        before.ends_with(b"--") || (before.ends_with(b"--!") && at >= b"<!----!".len())
    };
    let end = memchr_iter(b'>', rest).find(|&at| is_end(at));
    end.map_or(rest.len(), |end| end + 1)
}
