//! What a page's head says: title, address, language, and what robots may do.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use url::Url;

use super::spaces::squeezed;
use crate::{Dom, NodeId, Tag};

/// What a page asks of robots in its `meta` elements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Robots {
    /// The directives for all robots, in small letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<String>,
    /// Those for one robot: its name and the directive, in small letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<(String, String)>,
}

impl Robots {
    /// Whether all robots, or the robot of this name, are asked this.
    pub fn asks(&self, robot: &str, directive: &str) -> bool {
        let is_named = |(name, asked): &(String, String)| {
            name.eq_ignore_ascii_case(robot) && asked == directive
        };
        self.all.iter().any(|asked| asked == directive) || self.named.iter().any(is_named)
    }

    fn read(&mut self, name: &str, content: &str) {
        let name = name.trim().to_ascii_lowercase();
        let content = content.to_ascii_lowercase();
        let known = content.split([',', ';']).flat_map(directives);
        if name == "robots" {
            self.all.extend(known.take(MOST_DIRECTIVES));
        } else {
            self.named.extend(
                known
                    .take(MOST_DIRECTIVES)
                    .map(|directive| (name.clone(), directive)),
            );
        }
    }
}

/// The words between two commas that are known: one by the standard, several where an author leaves the commas out.
/// A directive with a value is kept as a whole.
fn directives(part: &str) -> impl Iterator<Item = String> {
    let (word, _) = part.split_once(':').unwrap_or((part, ""));
    let has_value = word.len() < part.len();
    let whole = (has_value && DIRECTIVES.contains(&word.trim())).then(|| part.trim().to_owned());
    let words = if has_value { "" } else { part };
    let known = words
        .split_ascii_whitespace()
        .filter(|word| DIRECTIVES.contains(word));
    whole.into_iter().chain(known.map(str::to_owned))
}

const MOST_DIRECTIVES: usize = 32;

const DIRECTIVES: [&str; 14] = [
    "all",
    "none",
    "index",
    "noindex",
    "follow",
    "nofollow",
    "noarchive",
    "nosnippet",
    "noimageindex",
    "noai",
    "noimageai",
    "notranslate",
    "nocache",
    "unavailable_after",
];

/// What the head says.
#[derive(Debug, Default)]
pub(super) struct Head {
    title: Option<String>,
    shared_title: Option<String>,
    site: Option<String>,
    pub(super) image: Option<String>,
    pub(super) canonical: Option<String>,
    pub(super) language: Option<String>,
    pub(super) base: Option<Url>,
    pub(super) robots: Robots,
}

/// Nodes of a page within which its head is looked for: some pages have `meta` in their body.
const NODES_OF_HEAD: usize = 2000;

impl Head {
    pub(super) fn read(dom: &Dom<'_>, address: Option<&Url>) -> Self {
        let mut head = Self::default();
        for node in dom.subtree(NodeId::ROOT).take(NODES_OF_HEAD) {
            match dom.tag(node) {
                Tag::Html if head.language.is_none() => {
                    let [lang, xml] = dom.attrs(node, ["lang", "xml:lang"]);
                    head.language = lang
                        .or(xml)
                        .filter(|lang| !lang.trim().is_empty())
                        .map(Cow::into_owned);
                }
                Tag::Title if head.title.is_none() => {
                    let mut title = String::new();
                    dom.text_content(node, &mut title);
                    head.title = filled(&title);
                }
                Tag::Base if head.base.is_none() => {
                    let href = dom.attr(node, "href");
                    head.base = href.and_then(|href| join(&href, address));
                }
                Tag::Link if head.canonical.is_none() => head.read_link(dom, node, address),
                Tag::Meta => head.read_meta(dom, node),
                _ => {}
            }
        }
        head
    }

    fn read_link(&mut self, dom: &Dom<'_>, node: NodeId, address: Option<&Url>) {
        let [rel, href] = dom.attrs(node, ["rel", "href"]);
        if rel.is_some_and(|rel| rel.eq_ignore_ascii_case("canonical")) {
            self.canonical = href.and_then(|href| join(&href, address)).map(Into::into);
        }
    }

    fn read_meta(&mut self, dom: &Dom<'_>, node: NodeId) {
        let [name, property, content, equiv] =
            dom.attrs(node, ["name", "property", "content", "http-equiv"]);
        let (Some(name), Some(content)) = (property.or(name).or(equiv), content) else {
            return;
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "og:title" | "twitter:title" if self.shared_title.is_none() => {
                self.shared_title = filled(&content)
            }
            "og:site_name" => self.site = filled(&content),
            "og:image" | "og:image:secure_url" | "twitter:image" if self.image.is_none() => {
                self.image = filled(&content);
            }
            "content-language" if self.language.is_none() => self.language = filled(&content),
            "description" | "keywords" | "viewport" | "author" => {}
            name => self.robots.read(name, &content),
        }
    }

    /// The page's title, and the heading that shows it.
    pub(super) fn title(&self, dom: &Dom<'_>) -> (Option<String>, Option<NodeId>) {
        let headings = headings(dom);
        for told in [&self.shared_title, &self.title].into_iter().flatten() {
            let told = told.to_lowercase();
            let shows = |heading: &&(NodeId, String)| shows_title(&heading.1.to_lowercase(), &told);
            if let Some((node, heading)) = headings.iter().find(shows) {
                return (Some(heading.clone()), Some(*node));
            }
        }
        let told = self.shared_title.as_ref().or(self.title.as_ref());
        match (told, headings.as_slice()) {
            (Some(told), [(node, _)]) => {
                (Some(without_site(told, self.site.as_deref())), Some(*node))
            }
            (Some(told), _) => (Some(without_site(told, self.site.as_deref())), None),
            (None, [(node, heading), ..]) => (Some(heading.clone()), Some(*node)),
            (None, []) => (None, None),
        }
    }
}

/// Whether a heading is the title, or most of it, or all of it but the site's name.
fn shows_title(heading: &str, told: &str) -> bool {
    let before_site = told.strip_prefix(heading).is_some_and(|rest| {
        SEPARATORS
            .iter()
            .any(|separator| rest.starts_with(separator))
    });
    before_site
        || heading.len() * 3 > told.len() && (told.contains(heading) || heading.contains(told))
}

const MOST_HEADINGS: usize = 6;

fn headings(dom: &Dom<'_>) -> Vec<(NodeId, String)> {
    let heads = dom
        .subtree(NodeId::ROOT)
        .filter(|&node| matches!(dom.tag(node), Tag::H1 | Tag::H2));
    let mut found: Vec<(NodeId, String)> = heads
        .take(MOST_HEADINGS)
        .filter_map(|node| {
            let mut text = String::new();
            dom.text_content(node, &mut text);
            Some((node, filled(&text)?))
        })
        .collect();
    if found.iter().any(|&(node, _)| dom.tag(node) == Tag::H1) {
        found.retain(|&(node, _)| dom.tag(node) == Tag::H1);
    }
    found
}

fn filled(text: &str) -> Option<String> {
    let text = squeezed(text);
    (!text.is_empty()).then_some(text)
}

fn join(href: &str, address: Option<&Url>) -> Option<Url> {
    let url = match address {
        Some(address) => address.join(href.trim()),
        None => Url::parse(href.trim()),
    };
    url.ok()
        .filter(|url| matches!(url.scheme(), "http" | "https" | "file"))
}

const SEPARATORS: [&str; 9] = [
    " | ", " - ", " – ", " — ", " :: ", " » ", " · ", " • ", " « ",
];

/// A title without the name of the site before or behind it.
fn without_site(title: &str, site: Option<&str>) -> String {
    for separator in SEPARATORS {
        let Some((before, last)) = title.rsplit_once(separator) else {
            continue;
        };
        if site.is_some_and(|site| site.eq_ignore_ascii_case(last)) {
            return before.to_owned();
        }
        if let Some((first, behind)) = title.split_once(separator)
            && site.is_some_and(|site| site.eq_ignore_ascii_case(first))
        {
            return behind.to_owned();
        }
        let words = |text: &str| text.split(' ').count();
        if words(before) >= 3 && words(before) > words(last) {
            return before.to_owned();
        }
    }
    title.to_owned()
}
