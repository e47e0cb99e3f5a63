//! What is left of the root's subtree, as blocks of text and pictures in document order.

use std::borrow::Cow;

use super::blocks::{Block, Content, Film, MOST_OF_FIGURE, Words, caption_of};
use super::hints::Hints;
use super::pictures::{self, Picture};
use super::shadow::Slotted;
use super::spaces::squeezed;
use super::survey::Survey;
use super::traits::{heading_level, is_block, is_plain_inline};
use super::{code, formulas, icons};
use crate::{Dom, Kind, NodeId, Tag};

/// An element around the current place.
struct Open<'s> {
    end: usize,
    tag: Tag,
    kind: Kind,
    breaks: bool,
    /// Of a figure: the number of blocks before it.
    figure: Option<usize>,
    /// Of a link: where it leads.
    link: Option<Cow<'s, str>>,
    /// Of a `picture`: what its sources offer.
    picture: Option<Picture<'s>>,
    in_table: bool,
    /// Of a line of code: where its text begins.
    line: Option<usize>,
}

/// Gathers the blocks between two nodes.
pub(super) struct Gatherer<'d, 's> {
    dom: &'d Dom<'s>,
    survey: &'d Survey,
    open: Vec<Open<'s>>,
    links: usize,
    blocks: Vec<Block<'s>>,
    text: String,
    start: NodeId,
    linked: usize,
    breaks: u8,
    level: u8,
    /// Elements that the current walk has not opened.
    floor: usize,
    /// Of each shadow root around: what stands in its slots.
    slotted: Vec<Slotted<'s>>,
    /// Whether a line of code has just ended.
    after_line: bool,
    every_picture: bool,
    has_formulas: bool,
}

impl<'d, 's> Gatherer<'d, 's> {
    pub(super) fn new(dom: &'d Dom<'s>, survey: &'d Survey) -> Self {
        Self {
            dom,
            survey,
            open: Vec::new(),
            links: 0,
            blocks: Vec::new(),
            text: String::new(),
            start: NodeId::ROOT,
            linked: 0,
            breaks: 0,
            level: 0,
            floor: 0,
            slotted: Vec::new(),
            after_line: false,
            every_picture: false,
            has_formulas: formulas::are_in(dom),
        }
    }

    /// With the small pictures in sentences, too.
    pub(super) fn with_every_picture(mut self) -> Self {
        self.every_picture = true;
        self
    }

    /// The blocks of a subtree.
    pub(super) fn gather(mut self, root: NodeId) -> Vec<Block<'s>> {
        self.walk(root.index(), self.dom.subtree_end(root).index());
        self.finish()
    }

    /// The blocks of what lies in `outer` before `root`.
    pub(super) fn gather_between(mut self, outer: NodeId, root: NodeId) -> Vec<Block<'s>> {
        self.walk(outer.index(), root.index());
        self.finish()
    }

    fn finish(mut self) -> Vec<Block<'s>> {
        self.end_block(Kind::Paragraph);
        code::drop_gutters(&mut self.blocks);
        self.blocks
    }

    /// Takes in the nodes from one to before another and closes what it opened.
    fn walk(&mut self, start: usize, end: usize) {
        let floor = std::mem::replace(&mut self.floor, self.open.len());
        let mut index = start;
        while index < end {
            self.close_until(index);
            index = self.visit(NodeId::from_index(index));
        }
        self.close_until(usize::MAX);
        self.floor = floor;
    }

    /// Takes in a shadow root, and in its slots what its host holds behind it; says what is next.
    fn take_shadow(&mut self, template: NodeId) -> usize {
        let dom = self.dom;
        let after = dom.subtree_end(template).index();
        if self.slotted.len() >= MOST_SHADOWS {
            return after;
        }
        self.slotted.push(Slotted::of(dom, template));
        self.walk(template.index() + 1, after);
        self.slotted.pop();
        dom.parent(template)
            .map_or(after, |host| dom.subtree_end(host).index())
    }

    /// Takes in what stands in a slot; else, what the slot holds itself is next.
    fn take_slot(&mut self, slot: NodeId) -> usize {
        let dom = self.dom;
        let Some(mut slotted) = self.slotted.pop() else {
            return slot.index() + 1;
        };
        let nodes = slotted.take(dom, slot);
        for node in &nodes {
            self.walk(node.index(), dom.subtree_end(*node).index());
        }
        self.slotted.push(slotted);
        if nodes.is_empty() {
            slot.index() + 1
        } else {
            dom.subtree_end(slot).index()
        }
    }

    /// Takes a node in and says which is next.
    fn visit(&mut self, node: NodeId) -> usize {
        let dom = self.dom;
        let tag = dom.tag(node);
        let after = dom.subtree_end(node).index();
        let inside = node.index() + 1;
        if self.survey.is_dropped(node) {
            match tag {
                Tag::Button => self.pictures_only(node),
                Tag::Script if self.has_formulas => {
                    self.take_formula(node, formulas::of_script(dom, node));
                }
                _ => {}
            }
            return after;
        }
        match tag {
            Tag::Math => {
                self.take_formula(node, Some(formulas::of_math(dom, node)));
                after
            }
            Tag::Rt | Tag::Rp | Tag::Rtc => after,
            Tag::Template => self.take_shadow(node),
            Tag::Slot if !self.slotted.is_empty() => self.take_slot(node),
            Tag::Span | Tag::Other | Tag::Div | Tag::Nobr
                if self.has_formulas && formulas::is_repeated(dom, node) =>
            {
                after
            }
            _ if self.kind() == Kind::Code
                && !is_plain_inline(tag)
                && tag != Tag::Text
                && code::is_number(dom, node) =>
            {
                after
            }
            Tag::Text => {
                self.take_text(node);
                inside
            }
            Tag::Br => {
                self.take_break();
                inside
            }
            Tag::Noscript if !self.survey.without_scripts => {
                self.pictures_only(node);
                after
            }
            Tag::Video => {
                self.take_film(node);
                after
            }
            Tag::Source => {
                self.take_source(node);
                inside
            }
            _ if pictures::is_picture(dom, node) => {
                self.take_picture(node);
                after.max(inside)
            }
            _ if is_plain_inline(tag) => inside,
            _ => {
                self.enter(node, tag);
                inside
            }
        }
    }

    fn kind(&self) -> Kind {
        self.open.last().map_or(Kind::Paragraph, |open| open.kind)
    }

    fn enter(&mut self, node: NodeId, tag: Tag) {
        let outer = self.kind();
        let in_table = self.open.last().is_some_and(|open| open.in_table);
        let is_table = tag == Tag::Table && outer != Kind::Code && is_data_table(self.dom, node);
        let cells = in_table
            && !matches!(
                tag,
                Tag::Tr | Tag::Table | Tag::Caption | Tag::Tbody | Tag::Thead
            );
        let hints = self.survey.hints(node);
        let is_code = tag == Tag::Table && code::is_table_of_code(self.dom, node);
        let in_code = outer == Kind::Code;
        let kind = match in_code || is_code {
            true => Kind::Code,
            false => kind_of(tag, hints, outer, in_table),
        };
        let breaks = !in_code
            && (is_block(tag) && !cells || kind == Kind::Caption && outer != Kind::Caption);
        let line = if in_code {
            self.begin_line(node, tag)
        } else {
            None
        };
        if breaks {
            self.end_block(outer);
        } else if is_block(tag) && !in_code {
            self.space();
        }
        let is_link = self.survey.traits[node.index()].is_link;
        let link = is_link.then(|| self.dom.attr(node, "href")).flatten();
        self.links += usize::from(link.is_some());
        if let Some(level) = heading_level(tag) {
            self.level = level;
        }
        self.open.push(Open {
            end: self.dom.subtree_end(node).index(),
            tag,
            kind,
            breaks,
            figure: is_figure(tag, hints).then_some(self.blocks.len()),
            link,
            picture: (tag == Tag::Picture).then(Picture::default),
            in_table: (is_table || in_table && tag != Tag::Table) && kind != Kind::Code,
            line,
        });
    }

    fn close_until(&mut self, index: usize) {
        while self.open.len() > self.floor && self.open.last().is_some_and(|open| open.end <= index)
        {
            let Some(open) = self.open.pop() else { return };
            if let Some(start) = open.line {
                self.end_line(start);
            } else if open.breaks {
                self.end_block(open.kind);
            } else if is_block(open.tag) && open.kind != Kind::Code {
                self.space();
            }
            self.links -= usize::from(open.link.is_some());
            if let Some(picture) = open.picture.filter(Picture::is_real) {
                self.push_picture(picture, NodeId::from_index(open.end - 1));
            }
            if let Some(first) = open.figure {
                self.caption_pictures(first);
            }
        }
    }

    /// Within code, an element that is a line; where its text begins.
    fn begin_line(&mut self, node: NodeId, tag: Tag) -> Option<usize> {
        let is_row = matches!(tag, Tag::Div | Tag::Li | Tag::Tr | Tag::P);
        let starts = self.text.is_empty() || self.text.ends_with('\n');
        if !(is_row || tag == Tag::Span && starts && code::is_line(self.dom, node)) {
            return None;
        }
        if !starts {
            self.text.push('\n');
        }
        if self.text.is_empty() {
            self.start = node;
        }
        Some(self.text.len())
    }

    fn end_line(&mut self, start: usize) {
        if self.text.len() > start && self.text.ends_with('\n') {
            self.text.pop();
        }
        self.text.push('\n');
        self.after_line = true;
    }

    /// Adds a formula to the text.
    fn take_formula(&mut self, node: NodeId, formula: Option<String>) {
        let Some(formula) = formula.filter(|formula| !formula.is_empty()) else {
            return;
        };
        if self.text.is_empty() {
            self.start = node;
        }
        self.text.push_str(&formula);
        self.breaks = 0;
    }

    fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }

    fn take_text(&mut self, node: NodeId) {
        let after_line = std::mem::take(&mut self.after_line);
        if after_line && self.dom.is_blank(node) && self.kind() == Kind::Code {
            return;
        }
        if self.dom.is_blank(node) {
            if self.kind() == Kind::Code && !self.text.is_empty() {
                self.text.push_str(self.dom.raw_text(node));
            } else {
                self.space();
            }
            return;
        }
        let text = self.dom.text(node);
        if self.text.is_empty() {
            self.start = node;
        }
        let before = self.text.len();
        if self.kind() == Kind::Code {
            self.text.push_str(&text);
        } else {
            self.push_squeezed(&text);
        }
        self.breaks = 0;
        if self.links > 0 {
            self.linked += self.text.len() - before;
        }
    }

    /// Adds a text, each run of white space as one space.
    fn push_squeezed(&mut self, text: &str) {
        // In ASCII and the characters of two bytes that are no spaces, most of any text.
        let is_plain = |byte: u8| byte > b' ' && byte < 0xc2;
        let bytes = text.as_bytes();
        let (mut from, mut at) = (0, 0);
        while let Some(&byte) = bytes.get(at) {
            if is_plain(byte) {
                at += 1;
                continue;
            }
            let is_between = at > from && bytes.get(at + 1).is_some_and(|&next| is_plain(next));
            if byte == b' ' && is_between {
                at += 2;
                continue;
            }
            let length = match text.get(at..).and_then(|rest| rest.chars().next()) {
                Some(c) if c.is_whitespace() => c.len_utf8(),
                other => {
                    at += other.map_or(1, char::len_utf8);
                    continue;
                }
            };
            self.text.push_str(&text[from..at]);
            self.space();
            at += length;
            from = at;
        }
        self.text.push_str(&text[from..]);
    }

    /// Two line breaks make a new paragraph.
    fn take_break(&mut self) {
        if self.kind() == Kind::Code {
            if !std::mem::take(&mut self.after_line) {
                self.text.push('\n');
            }
            return;
        }
        self.breaks += 1;
        if self.breaks > 1 && self.kind() != Kind::Heading && self.kind() != Kind::Row {
            self.end_block(self.kind());
        } else {
            self.space();
        }
    }

    fn end_block(&mut self, kind: Kind) {
        self.breaks = 0;
        if kind == Kind::Code {
            code::write_plain_spaces(&mut self.text);
        }
        let trimmed = match kind {
            Kind::Code => self.text.trim_matches(['\n', '\r']).trim_end(),
            _ => self.text.trim_end(),
        };
        if trimmed.trim().is_empty() {
            self.text.clear();
            self.linked = 0;
            return;
        }
        let level = if kind == Kind::Heading { self.level } else { 0 };
        let words = Words {
            text: trimmed.to_owned(),
            kind,
            linked: self.linked,
            level,
        };
        self.blocks.push(Block {
            node: self.start,
            content: Content::Text(words),
        });
        self.text.clear();
        self.linked = 0;
    }

    fn take_source(&mut self, node: NodeId) {
        let dom = self.dom;
        if let Some(picture) = self.open.last_mut().and_then(|open| open.picture.as_mut()) {
            let mut source = Picture::default();
            source.read(dom, node);
            source.width = None;
            source.height = None;
            picture.merge(source);
        }
    }

    fn take_picture(&mut self, node: NodeId) {
        let mut picture = Picture::default();
        picture.read(self.dom, node);
        if let Some(of_sources) = self.open.last_mut().and_then(|open| open.picture.take()) {
            picture.merge(of_sources);
        }
        self.push_picture(picture, node);
    }

    fn push_picture(&mut self, mut picture: Picture<'s>, node: NodeId) {
        if self.takes_alt(&picture, node) {
            return;
        }
        if self.links > 0 {
            picture.is_linked = true;
            let links = self.open.iter().rev().filter_map(|open| open.link.as_ref());
            if let Some(href) = links.take(1).find(|href| pictures::leads_to_picture(href)) {
                picture.offer_link(href.clone());
            }
        }
        if !self.every_picture {
            picture.drop_previews();
        }
        self.end_block(self.kind());
        self.blocks.push(Block {
            node,
            content: Content::Picture(picture),
        });
    }

    /// A small picture or a formula within a sentence is what its `alt` says; whether it was one.
    fn takes_alt(&mut self, picture: &Picture<'s>, node: NodeId) -> bool {
        let alt = formulas::without_style(&picture.alt);
        let is_formula = picture.is_formula();
        let is_small = is_formula || icons::is_small(picture) || icons::is_emoji(alt);
        let in_sentence = !self.text.trim().is_empty() || follows_text(self.dom, node);
        if !is_small || !in_sentence || self.every_picture {
            return false;
        }
        let is_alone = self.dom.parent(node).is_some_and(|outer| {
            let mut inside = self.dom.descendants(outer);
            self.dom.tag(outer) == Tag::A
                && inside.all(|node| !self.dom.is_text(node) || self.dom.is_blank(node))
        });
        let is_said = is_formula || icons::is_emoji(alt) || !self.text.trim().is_empty();
        if is_said && !is_alone && alt.len() <= LONGEST_ALT && !pictures::is_file_name(alt) {
            let before = self.text.len();
            if self.text.is_empty() {
                self.start = node;
            }
            self.text.push_str(alt);
            if self.links > 0 {
                self.linked += self.text.len() - before;
            }
        }
        true
    }

    /// Of what scripts replace, only pictures count: those that a script would load.
    fn pictures_only(&mut self, node: NodeId) {
        for inside in self.dom.descendants(node) {
            if !pictures::is_picture(self.dom, inside) {
                continue;
            }
            let mut picture = Picture::default();
            picture.read(self.dom, inside);
            if !self.joins_last(&mut picture) {
                self.push_picture(picture, inside);
            }
        }
    }

    /// Whether the picture is the one before it again, which a script would load: any in the same figure, or one
    /// beside it that has no URL yet, the same one, or that of a preview.
    fn joins_last(&mut self, picture: &mut Picture<'s>) -> bool {
        if !self.text.trim().is_empty() {
            return false;
        }
        let figure = self.open.iter().rev().find_map(|open| open.figure);
        let inside = self.blocks.get(figure.unwrap_or(0)..).unwrap_or_default();
        let in_figure = figure.is_some()
            && inside.len() <= MOST_STAND_INS
            && inside
                .iter()
                .all(|block| matches!(block.content, Content::Picture(_)));
        if figure.is_some() && inside.is_empty() {
            return false;
        }
        let Some(Block {
            content: Content::Picture(last),
            ..
        }) = self.blocks.last_mut()
        else {
            return false;
        };
        if !in_figure && !last.is_lazy && !last.shares_url(picture) && !last.previews(picture) {
            return false;
        }
        last.merge(std::mem::take(picture));
        if !self.every_picture {
            last.drop_previews();
        }
        if let Some(first) = figure.filter(|_| in_figure) {
            self.blocks.drain(first..self.blocks.len() - 1);
        }
        true
    }

    fn take_film(&mut self, node: NodeId) {
        let [src, poster, title, label] = self
            .dom
            .attrs(node, ["src", "poster", "title", "aria-label"]);
        let mut film = Film {
            urls: src.into_iter().collect(),
            poster,
            caption: String::new(),
        };
        film.caption = title
            .or(label)
            .map(|text| squeezed(&text))
            .unwrap_or_default();
        for inside in self
            .dom
            .descendants(node)
            .filter(|&inside| self.dom.tag(inside) == Tag::Source)
        {
            film.urls.extend(self.dom.attr(inside, "src"));
        }
        self.end_block(self.kind());
        self.blocks.push(Block {
            node,
            content: Content::Film(film),
        });
    }

    /// Gives the pictures of a figure its caption.
    fn caption_pictures(&mut self, first: usize) {
        let blocks = self.blocks.get_mut(first..).unwrap_or_default();
        let caption = caption_of(blocks);
        if caption.is_empty() {
            return;
        }
        for block in blocks.iter_mut().take(MOST_OF_FIGURE) {
            match &mut block.content {
                Content::Picture(picture) if !picture.is_captioned => {
                    picture.title.clone_from(&caption);
                    picture.is_captioned = true;
                }
                Content::Film(film) => film.caption.clone_from(&caption),
                Content::Picture(_) | Content::Text(_) => {}
            }
        }
    }
}

fn is_figure(tag: Tag, hints: Hints) -> bool {
    tag == Tag::Figure || tag == Tag::Div && hints.has(Hints::CAPTION)
}

fn kind_of(tag: Tag, hints: Hints, outer: Kind, in_table: bool) -> Kind {
    match tag {
        Tag::H1 | Tag::H2 | Tag::H3 | Tag::H4 | Tag::H5 | Tag::H6 => Kind::Heading,
        Tag::Li => Kind::Item,
        Tag::Dt => Kind::Term,
        Tag::Dd => Kind::Definition,
        Tag::Tr if in_table => Kind::Row,
        Tag::Blockquote => Kind::Quote,
        Tag::Pre | Tag::Listing | Tag::Xmp => Kind::Code,
        Tag::Figcaption | Tag::Caption => Kind::Caption,
        Tag::Article | Tag::Main => Kind::Paragraph,
        Tag::P | Tag::Div | Tag::Span if hints.has(Hints::CAPTION) => Kind::Caption,
        _ => outer,
    }
}

/// Shadow roots within each other that are read.
const MOST_SHADOWS: usize = 16;
/// Bytes of a text that stands for a small picture in a sentence.
const LONGEST_ALT: usize = 400;

/// Whether a node is followed by more of the same sentence.
fn follows_text(dom: &Dom<'_>, node: NodeId) -> bool {
    let next = dom.next_sibling(node);
    next.is_some_and(|next| dom.is_text(next) && !dom.is_blank(next))
}

/// Elements that stand for one picture until a script has loaded it.
const MOST_STAND_INS: usize = 2;

/// Nodes of a table that are looked at to tell what it is for.
const NODES_OF_TABLE: usize = 4096;
/// Bytes of a text that no table of data holds.
const LONG_CELL: usize = 400;

/// Whether a table holds data; others only place things.
fn is_data_table(dom: &Dom<'_>, table: NodeId) -> bool {
    !dom.descendants(table)
        .take(NODES_OF_TABLE)
        .any(|node| match dom.tag(node) {
            Tag::Table | Tag::H1 | Tag::H2 | Tag::H3 | Tag::Form | Tag::Article | Tag::Section => {
                true
            }
            Tag::Text => dom.raw_text(node).len() > LONG_CELL,
            _ => false,
        })
}
