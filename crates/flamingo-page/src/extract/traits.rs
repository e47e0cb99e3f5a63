//! What an element is by its tag, and what its attributes say about it.

use super::hints::{Hints, Names};
use super::panels;
use crate::{Dom, NodeId, Tag};

/// What an element's attributes say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traits {
    pub(super) hints: Hints,
    pub(super) is_hidden: bool,
    /// A part that opens on a click: its heading or its tab names it.
    pub(super) is_panel: bool,
    /// The hints that its `id` alone gives, which may be the name of what it is about.
    pub(super) by_id: Hints,
    /// Marked as the body of an article by schema.org's words.
    pub(super) is_body: bool,
    /// Marked as the page's main part or as an article.
    pub(super) is_main: bool,
    /// Its role is that of something beside the content.
    pub(super) is_beside: bool,
    /// A link to elsewhere.
    pub(super) is_link: bool,
}

/// What holds no content of the page, whatever it says.
pub(super) fn is_never_content(tag: Tag) -> bool {
    use Tag::{
        Applet, Button, Canvas, Datalist, Dialog, Head, Iframe, Input, Meter, Nav, Noembed,
        Noframes, Object, Option, Progress, Script, Search, Select, Style, Svg, Template, Textarea,
        Title,
    };
    matches!(
        tag,
        Script
            | Style
            | Head
            | Template
            | Iframe
            | Noembed
            | Noframes
            | Object
            | Applet
            | Canvas
            | Button
            | Select
            | Option
            | Datalist
            | Textarea
            | Input
            | Nav
            | Title
            | Dialog
            | Search
            | Meter
            | Progress
            | Svg
    )
}

/// What is never asked for its names.
pub(super) fn is_plain_inline(tag: Tag) -> bool {
    use Tag::{B, Br, Cite, Code, Em, Font, I, Kbd, Mark, Small, Strong, Sub, Sup, U, Var, Wbr};
    matches!(
        tag,
        B | Br
            | Cite
            | Code
            | Em
            | Font
            | I
            | Kbd
            | Mark
            | Small
            | Strong
            | Sub
            | Sup
            | U
            | Var
            | Wbr
    )
}

pub(super) fn heading_level(tag: Tag) -> Option<u8> {
    match tag {
        Tag::H1 => Some(1),
        Tag::H2 => Some(2),
        Tag::H3 => Some(3),
        Tag::H4 => Some(4),
        Tag::H5 => Some(5),
        Tag::H6 => Some(6),
        _ => None,
    }
}

/// What begins a text of its own.
pub(super) fn is_block(tag: Tag) -> bool {
    use Tag::{
        Address, Article, Aside, Blockquote, Body, Caption, Center, Dd, Details, Div, Dl, Dt,
        Fieldset, Figcaption, Figure, Footer, Form, H1, H2, H3, H4, H5, H6, Header, Hgroup, Hr,
        Html, Legend, Li, Listing, Main, Menu, Ol, P, Plaintext, Pre, Section, Summary, Table,
        Tbody, Td, Tfoot, Th, Thead, Tr, Ul, Xmp,
    };
    matches!(
        tag,
        Address
            | Article
            | Aside
            | Blockquote
            | Body
            | Caption
            | Center
            | Dd
            | Details
            | Div
            | Dl
            | Dt
            | Fieldset
            | Figcaption
            | Figure
            | Footer
            | Form
            | H1
            | H2
            | H3
            | H4
            | H5
            | H6
            | Header
            | Hgroup
            | Hr
            | Html
            | Legend
            | Li
            | Listing
            | Main
            | Menu
            | Ol
            | P
            | Plaintext
            | Pre
            | Section
            | Summary
            | Table
            | Tbody
            | Td
            | Tfoot
            | Th
            | Thead
            | Tr
            | Ul
            | Xmp
    )
}

pub(super) fn traits_of<'s>(dom: &Dom<'s>, node: NodeId, names: &mut Names<'s>) -> Traits {
    let mut traits = Traits::default();
    let (mut by_id, mut is_labelled, mut class) = (Hints::NONE, false, "");
    for attribute in dom.attributes(node) {
        let name = attribute.name;
        let raw = attribute.raw;
        match name.len() {
            2 if name.eq_ignore_ascii_case("id") => by_id = Hints::of(raw),
            4 if name.eq_ignore_ascii_case("role") => read_role(raw, &mut traits),
            4 if name.eq_ignore_ascii_case("href") => {
                traits.is_link = dom.tag(node) == Tag::A && !raw.trim_start().starts_with('#');
            }
            5 if name.eq_ignore_ascii_case("class") => {
                class = raw;
                traits.hints |= names.hints(raw);
            }
            5 if name.eq_ignore_ascii_case("style") => traits.is_hidden |= hides(raw),
            6 if name.eq_ignore_ascii_case("hidden") => {
                let is_shown = ["false", "until-found"]
                    .iter()
                    .any(|shown| raw.eq_ignore_ascii_case(shown));
                traits.is_hidden |= !is_shown;
            }
            8 if name.eq_ignore_ascii_case("itemprop") => read_property(raw, &mut traits),
            15 if name.eq_ignore_ascii_case("aria-labelledby") => is_labelled = true,
            11 if name.eq_ignore_ascii_case("aria-hidden") => {
                traits.is_hidden |= raw.eq_ignore_ascii_case("true") && !is_picture(dom.tag(node));
            }
            _ => {}
        }
    }
    // The name of a heading or a row is the name of what it says.
    if !is_named_by_subject(dom.tag(node)) {
        traits.by_id = by_id.without(traits.hints);
        traits.hints |= by_id;
    }
    traits.is_panel &= is_labelled;
    traits.is_panel |= traits.is_hidden && panels::is_named(class);
    traits
}

fn is_named_by_subject(tag: Tag) -> bool {
    use Tag::{A, Dd, Dt, H1, H2, H3, H4, H5, H6, Li, Td, Th, Tr};
    matches!(
        tag,
        H1 | H2 | H3 | H4 | H5 | H6 | Li | Dt | Dd | Tr | Td | Th | A
    )
}

fn is_picture(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Img | Tag::Picture | Tag::Figure | Tag::A | Tag::Span
    )
}

fn hides(style: &str) -> bool {
    let bytes = style.as_bytes();
    let after = |property: &str| {
        let at = memchr::memmem::find(bytes, property.as_bytes())?;
        Some(
            style
                .get(at + property.len()..)?
                .trim_start()
                .trim_start_matches(':')
                .trim_start(),
        )
    };
    after("display").is_some_and(|value| value.starts_with("none"))
        || after("visibility").is_some_and(|value| value.starts_with("hidden"))
}

fn read_role(role: &str, traits: &mut Traits) {
    match role.trim() {
        "main" | "article" => traits.is_main = true,
        "region" | "tabpanel" => traits.is_panel = true,
        "navigation" | "banner" | "complementary" | "contentinfo" | "search" | "dialog"
        | "alertdialog" | "menu" | "menubar" | "toolbar" | "tablist" | "alert" | "tooltip" => {
            traits.is_beside = true
        }
        _ => {}
    }
}

fn read_property(property: &str, traits: &mut Traits) {
    for word in property.split_ascii_whitespace() {
        match word {
            "articleBody" | "reviewBody" | "recipeInstructions" => traits.is_body = true,
            "mainEntity" | "mainContentOfPage" => traits.is_main = true,
            "author" | "datePublished" | "dateModified" | "publisher" | "keywords"
            | "articleSection" => {
                traits.hints |= Hints::METADATA;
            }
            "comment" | "comments" => traits.hints |= Hints::COMMENTS,
            _ => {}
        }
    }
}
