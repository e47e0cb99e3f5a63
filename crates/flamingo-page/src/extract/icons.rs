//! Small pictures beside the content: icons, emoji, avatars, buttons to share.
//!
//! A size says it alone. Without one, a picture goes where two things speak for it: its look, its name, where it leads,
//! what stands beside it.

use super::hints::Hints;
use super::pictures::Picture;
use super::survey::Survey;
use super::variants::{is_any, is_lesser, words};
use crate::{Dom, NodeId, Tag};

/// CSS pixels below which a picture is an icon.
const SMALLEST: f32 = 50.0;
/// CSS pixels from which on it is none.
const LARGE: f32 = 150.0;
/// CSS pixels up to which a picture only counts or divides.
const TINY: f32 = 3.0;

/// Whether a picture is an icon by what its own element says.
pub(super) fn is_small(picture: &Picture<'_>) -> bool {
    Size::of_picture(picture).is_small() || picture.hints.has(Hints::ICON)
}

/// Whether a text is nothing but signs, as the `alt` of an emoji.
pub(super) fn is_emoji(alt: &str) -> bool {
    let is_sign = |c: char| c > '\u{2000}' && !c.is_alphanumeric() && !c.is_whitespace();
    !alt.is_empty() && alt.chars().count() <= LONGEST_EMOJI && alt.chars().all(is_sign)
}

/// Characters of a sign with all that modifies it.
const LONGEST_EMOJI: usize = 12;

/// How large an element is drawn, in CSS pixels.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    width: Option<f32>,
    height: Option<f32>,
}

impl Size {
    fn of(class: &str, style: &str) -> Self {
        let mut size = Self::default();
        if class.is_empty() && style.is_empty() {
            return size;
        }
        for name in class.split_ascii_whitespace() {
            // A variant for some screens: `md:w-12`.
            let name = name.rsplit(':').next().unwrap_or_default();
            let Some((side, value)) = name.split_once('-') else {
                continue;
            };
            let Some(pixels) = utility_pixels(value) else {
                continue;
            };
            if matches!(side, "w" | "size") {
                size.width = Some(size.width.map_or(pixels, |width| width.max(pixels)));
            }
            if matches!(side, "h" | "size") {
                size.height = Some(size.height.map_or(pixels, |height| height.max(pixels)));
            }
        }
        for declaration in style.split(';') {
            match declaration
                .split_once(':')
                .map(|(name, value)| (name.trim(), pixels(value.trim())))
            {
                Some(("width" | "max-width", Some(pixels))) => size.width = Some(pixels),
                Some(("height" | "max-height", Some(pixels))) => size.height = Some(pixels),
                _ => {}
            }
        }
        size
    }

    fn of_picture(picture: &Picture<'_>) -> Self {
        let (class, style) = picture.looks();
        let looks = Self::of(class, style);
        let said = |pixels: Option<u32>| pixels.map(|pixels| pixels as f32);
        Self {
            width: said(picture.width).or(looks.width),
            height: said(picture.height).or(looks.height),
        }
    }

    fn is_large(self) -> bool {
        [self.width, self.height]
            .into_iter()
            .flatten()
            .any(|length| length >= LARGE)
    }

    fn is_small(self) -> bool {
        let is_small = |length: Option<f32>| length.is_some_and(|length| length < SMALLEST);
        let is_tiny = |length: Option<f32>| length.is_some_and(|length| length <= TINY);
        let too_small = match (self.width, self.height) {
            (Some(_), Some(_)) => is_small(self.width) && is_small(self.height),
            _ => is_small(self.width) || is_small(self.height),
        };
        too_small || is_tiny(self.width) || is_tiny(self.height)
    }

    /// Of a box around a picture, which may be low or narrow for other reasons.
    fn is_small_box(self) -> bool {
        self.width.is_some() && self.height.is_some() && self.is_small()
    }
}

/// Of `w-6` and `w-[24px]`, what is behind the first dash: four pixels a step.
fn utility_pixels(value: &str) -> Option<f32> {
    if let Some(inside) = value.strip_prefix('[') {
        return pixels(inside.strip_suffix(']')?);
    }
    match value {
        "px" => Some(1.0),
        _ => value
            .parse::<f32>()
            .ok()
            .filter(|steps| *steps > 0.0)
            .map(|steps| steps * 4.0),
    }
}

/// `24px`, `1.5rem`, `1em`; not `50%`.
fn pixels(value: &str) -> Option<f32> {
    let units = [("px", 1.0), ("rem", 16.0), ("em", 16.0)];
    let found = units
        .iter()
        .find_map(|(unit, pixels)| Some((value.strip_suffix(unit)?, *pixels)));
    let (number, factor) = found?;
    number
        .trim()
        .parse::<f32>()
        .ok()
        .map(|number| number * factor)
}

/// Elements around a picture that are looked at, and nodes in them.
const AROUND: usize = 3;
const NEAR: usize = 96;
/// How many things speak against a picture where it goes.
const ENOUGH: usize = 2;

/// Whether a picture is beside the content by what is around it.
pub(super) fn is_beside(
    dom: &Dom<'_>,
    survey: &Survey,
    node: NodeId,
    picture: &Picture<'_>,
) -> bool {
    let around = || dom.ancestors(node).take(AROUND);
    let looks = |node: NodeId| {
        [dom.raw_attr(node, "class"), dom.raw_attr(node, "style")].map(Option::unwrap_or_default)
    };
    let is_boxed = around().take(2).any(|outer| {
        let [class, style] = looks(outer);
        Size::of(class, style).is_small_box()
    });
    if is_boxed {
        return true;
    }
    let is_shown_whole = around()
        .any(|outer| dom.tag(outer) == Tag::Figure || survey.hints(outer).has(Hints::MEDIA));
    if is_shown_whole || Size::of_picture(picture).is_large() {
        return false;
    }
    let link = around().find(|&outer| matches!(dom.tag(outer), Tag::A | Tag::Button));
    let (class, style) = picture.looks();
    let is_round = std::iter::once([class, style])
        .chain(around().take(2).map(looks))
        .any(|[class, style]| {
            is_circle(class) || style.replace(' ', "").contains("border-radius:50%")
        });
    let url = picture.url().unwrap_or_default();
    let hints = around()
        .take(2)
        .fold(Hints::NONE, |hints, outer| hints | survey.hints(outer));
    let is_led = link.is_some() && !picture.leads_to_itself();
    let evidence = [
        is_round,
        is_named_small(url),
        is_drawing(url),
        hints.has(Hints::SHARE | Hints::ICON | Hints::METADATA),
        says_small(&picture.alt),
        link.is_some_and(|link| leads_to_person_or_share(dom, link)),
        link.is_some_and(|link| leads_to_person_or_share(dom, link))
            && picture.alt.len() < LONGEST_LABEL,
        is_led && is_in_row(dom, node),
        is_led
            && (is_lesser(url) || words(class).any(|word| is_any(word, &["thumb", "thumbnail"]))),
        is_led && link.is_some_and(|link| is_led_to_again(dom, link)),
    ];
    let found = evidence.iter().filter(|speaks| **speaks).count();
    // One more thing, which takes longer to see.
    found >= ENOUGH || found + 1 == ENOUGH && stands_in_byline(dom, node, &picture.alt)
}

/// Bytes of a text that labels an icon.
const LONGEST_LABEL: usize = 32;

fn is_circle(class: &str) -> bool {
    let names = [
        "rounded-full",
        "rounded-circle",
        "img-circle",
        "circle",
        "is-rounded",
    ];
    class
        .split_ascii_whitespace()
        .any(|name| is_any(name, &names))
}

/// Whether the folder or the file of a picture is named for icons or people.
fn is_named_small(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let names = [
        "icon",
        "icons",
        "ico",
        "avatar",
        "avatars",
        "emoji",
        "emojis",
        "sprite",
        "sprites",
        "favicon",
        "badge",
        "badges",
        "gravatar",
        "social",
        "share",
        "profile",
        "profiles",
        "author",
        "authors",
        "user",
        "users",
        "headshot",
        "headshots",
        "logo",
        "logos",
    ];
    let mut parts = path.rsplit('/').take(3);
    let file = parts.next().unwrap_or_default();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let is_named = |part: &str| words(part).any(|word| is_any(word, &names));
    // Of long names, one word says little.
    parts.any(|folder| words(folder).count() <= 2 && is_named(folder))
        || words(stem).count() <= 3 && is_named(stem)
}

fn is_drawing(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    is_any(ending, &["svg", "ico"])
}

fn says_small(alt: &str) -> bool {
    let names = [
        "icon", "avatar", "logo", "emoji", "badge", "share", "follow", "tweet",
    ];
    let is_named = alt.len() < LONGEST_LABEL * 2 && words(alt).any(|word| is_any(word, &names));
    is_named || alt.to_ascii_lowercase().contains("profile p")
}

/// Whether a link hands the page's own address on, writes to somebody, or leads to a person's page.
fn leads_to_person_or_share(dom: &Dom<'_>, link: NodeId) -> bool {
    if dom.tag(link) == Tag::Button {
        return false;
    }
    let [href, rel] = dom.attrs(link, ["href", "rel"]);
    if rel.is_some_and(|rel| words(&rel).any(|word| is_any(word, &["author", "me"]))) {
        return true;
    }
    let href = href.unwrap_or_default();
    let href = href.trim().to_ascii_lowercase();
    if ["mailto:", "tel:", "javascript:"]
        .iter()
        .any(|scheme| href.starts_with(scheme))
    {
        return true;
    }
    let (path, query) = href.split_once('?').unwrap_or((&href, ""));
    let hands_on = ["http%3a", "https%3a", "http://", "https://"]
        .iter()
        .any(|start| query.contains(start));
    let names = [
        "share", "sharer", "intent", "author", "authors", "user", "users", "profile", "profiles",
        "members",
    ];
    hands_on
        || path.contains("/@")
        || path
            .split('/')
            .skip(1)
            .any(|part| words(part).any(|word| is_any(word, &names)))
}

/// Whether the title of another page beside a picture leads where the picture does.
fn is_led_to_again(dom: &Dom<'_>, link: NodeId) -> bool {
    // Those of other sites are what the page is about, rather than its neighbours.
    let Some(href) = dom
        .raw_attr(link, "href")
        .filter(|href| !href.contains("//"))
    else {
        return false;
    };
    let outer = dom.ancestors(link).take(2);
    outer.into_iter().any(|outer| {
        let mut links = dom
            .descendants(outer)
            .take(NEAR)
            .filter(|&node| dom.tag(node) == Tag::A && node != link);
        links.any(|other| {
            dom.raw_attr(other, "href") == Some(href)
                && !short_text(dom, other, LONGEST_BYLINE)
                    .is_some_and(|text| text.trim().is_empty())
        })
    })
}

/// Bytes of text beside the portrait of an author.
const LONGEST_BYLINE: usize = 160;

/// Whether a picture stands beside a short text with a time, or with the name that it is called.
fn stands_in_byline(dom: &Dom<'_>, node: NodeId, alt: &str) -> bool {
    dom.ancestors(node).take(AROUND).any(|outer| {
        let text = short_text(dom, outer, LONGEST_BYLINE);
        let has_time = || {
            dom.descendants(outer)
                .take(NEAR)
                .any(|inside| dom.tag(inside) == Tag::Time)
        };
        text.is_some_and(|text| {
            let is_name = alt.len() >= 3 && alt.len() <= LONGEST_LABEL && text.contains(alt);
            text.len() < LONGEST_BYLINE && !text.trim().is_empty() && (is_name || has_time())
        })
    })
}

/// The text of a small element; `None` for one that has more, or more in it than can be seen at once.
fn short_text(dom: &Dom<'_>, node: NodeId, most: usize) -> Option<String> {
    let mut text = String::new();
    for (index, inside) in dom.descendants(node).enumerate() {
        if index > NEAR || text.len() > most {
            return None;
        }
        if dom.is_text(inside) && !dom.is_blank(inside) {
            text.push_str(dom.raw_text(inside).trim());
            text.push(' ');
        }
    }
    Some(text)
}

/// Neighbours from which on pictures in links are a row of buttons, and bytes of text in one of them.
const LEAST_IN_ROW: usize = 3;
const LONGEST_IN_ROW: usize = 24;

/// Whether a picture is one of several neighbours that are links with a picture and no text.
fn is_in_row(dom: &Dom<'_>, node: NodeId) -> bool {
    let is_button = |node: NodeId| {
        let inside = || dom.subtree(node).take(NEAR);
        let pictures = inside()
            .filter(|&inside| dom.tag(inside) == Tag::Img)
            .count();
        let is_linked = inside().any(|inside| matches!(dom.tag(inside), Tag::A | Tag::Button));
        pictures == 1
            && is_linked
            && short_text(dom, node, LONGEST_IN_ROW)
                .is_some_and(|text| text.len() <= LONGEST_IN_ROW)
    };
    let inner = std::iter::once(node)
        .chain(dom.ancestors(node))
        .take(AROUND + 1);
    inner.filter(|&cell| is_button(cell)).any(|cell| {
        dom.parent(cell).is_some_and(|parent| {
            let beside = dom
                .children(parent)
                .filter(|&child| !dom.is_text(child))
                .take(NEAR);
            beside.filter(|&child| is_button(child)).count() >= LEAST_IN_ROW
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_small_box(class: &str, style: &str) -> bool {
        Size::of(class, style).is_small_box()
    }

    #[test]
    fn a_size_is_read_off_classes_and_styles() {
        assert!(is_small_box("inline w-6 h-6 shrink-0", ""));
        assert!(
            is_small_box("size-10 rounded-full", "") && is_small_box("w-[24px] h-[1.5rem]", "")
        );
        assert!(is_small_box("", "width: 32px; height:32px"));
        assert!(!is_small_box("w-10 h-10 md:w-24 md:h-24", "") && !is_small_box("w-full h-6", ""));
        assert!(!is_small_box(
            "w-1/2 h-auto",
            "max-width: 100%; height: auto"
        ));
    }

    #[test]
    fn emoji_are_signs_and_nothing_else() {
        assert!(is_emoji("🎉") && is_emoji("👩‍🚀") && is_emoji("✅"));
        assert!(!is_emoji("OK") && !is_emoji("") && !is_emoji("東京"));
    }

    #[test]
    fn names_for_icons_are_folders_and_short_files() {
        assert!(
            is_named_small("/img/authors/jo.jpg")
                && is_named_small("https://a.example/i/share-icon.svg?x")
        );
        assert!(
            !is_named_small("/img/an-icon-of-saint-nicholas.jpg")
                && !is_named_small("/img/iconic.jpg")
        );
    }
}
