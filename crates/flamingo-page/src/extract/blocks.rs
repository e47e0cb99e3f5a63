//! Texts, pictures and films with where they came from.

use std::borrow::Cow;

use super::pictures::Picture;
use crate::{Kind, NodeId};

/// A text or picture with where it came from.
#[derive(Debug)]
pub(super) struct Block<'s> {
    /// The node that it starts at.
    pub(super) node: NodeId,
    pub(super) content: Content<'s>,
}

#[derive(Debug)]
pub(super) enum Content<'s> {
    Text(Words),
    Picture(Picture<'s>),
    Film(Film<'s>),
}

/// A block of text.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) text: String,
    pub(super) kind: Kind,
    /// How many bytes of it lead elsewhere.
    pub(super) linked: usize,
    /// The level of a heading, from 1; 0 where it is none.
    pub(super) level: u8,
}

impl Words {
    /// Whether it is mostly links, or a short item that names what its link leads to.
    pub(super) fn is_teaser(&self) -> bool {
        let is_item = self.kind == Kind::Item && self.text.len() < LONGEST_TEASER;
        let share = if is_item { SHARE_OF_ITEM } else { 2 };
        self.linked * share > self.text.len()
    }
}

/// Bytes of an item of a list of other pages.
const LONGEST_TEASER: usize = 160;
/// Of such an item, one part in this many is a link at least.
const SHARE_OF_ITEM: usize = 4;

/// What a `video` says.
#[derive(Debug, Default)]
pub(super) struct Film<'s> {
    pub(super) urls: Vec<Cow<'s, str>>,
    pub(super) poster: Option<Cow<'s, str>>,
    pub(super) caption: String,
}

/// Blocks of a figure that are looked at, and bytes of its caption that each picture keeps.
pub(super) const MOST_OF_FIGURE: usize = 64;
pub(super) const LONGEST_CAPTION: usize = 4096;

pub(super) fn caption_of(blocks: &[Block<'_>]) -> String {
    let mut caption = String::new();
    for block in blocks.iter().take(MOST_OF_FIGURE) {
        if let Content::Text(words) = &block.content
            && words.kind == Kind::Caption
            && caption.len() + words.text.len() < LONGEST_CAPTION
        {
            if !caption.is_empty() {
                caption.push(' ');
            }
            caption.push_str(&words.text);
        }
    }
    caption
}
