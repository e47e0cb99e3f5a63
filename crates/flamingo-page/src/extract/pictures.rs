//! The pictures of a page: all URLs that an element offers for one, the best first.

use std::borrow::Cow;

use url::Url;

use super::formulas;
use super::hints::Hints;
use super::spaces::squeezed;
use super::srcset::{candidates, is_address, is_picture_url, is_placeholder, is_srcset};
use super::variables::{in_style, is_variable};
use super::variants::{Form, Name, are_same, is_lesser};
use crate::data_urls::{Worth, is_data_url, worth};
use crate::{Dom, Image, NodeId, Tag};

/// What the elements of one picture say about it.
#[derive(Debug, Default)]
pub(super) struct Picture<'s> {
    urls: Vec<Offer<'s>>,
    pub(super) alt: String,
    pub(super) title: String,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) hints: Hints,
    class: &'s str,
    style: &'s str,
    /// It leads elsewhere.
    pub(super) is_linked: bool,
    /// Its title is the caption that the page shows with it.
    pub(super) is_captioned: bool,
    /// Its `src` stands in for something that a script would load.
    pub(super) is_lazy: bool,
}

#[derive(Debug)]
struct Offer<'s> {
    url: Cow<'s, str>,
    rank: Rank,
    /// Compared among those of one rank.
    size: f32,
    form: Form,
}

/// Where a URL stands, the worse first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    StandIn,
    /// Where the tool that saved the page notes that it was.
    Noted,
    /// In an attribute of its own for a smaller picture, or for another one.
    Lesser,
    Background,
    Source,
    Lazy,
    Set,
    Link,
}

/// URLs of one picture beyond which none is read.
const MOST_URLS: usize = 64;

impl<'s> Picture<'s> {
    fn offer(&mut self, url: Cow<'s, str>, rank: Rank, size: f32) -> Option<&mut Offer<'s>> {
        let is_data = is_data_url(url.trim());
        let is_nothing = url.trim().is_empty() || is_data && worth(&url) == Worth::Nothing;
        if self.urls.len() >= MOST_URLS || is_nothing {
            return None;
        }
        let form = if is_data {
            Form::default()
        } else {
            Form::of(&url)
        };
        self.urls.push(Offer {
            url,
            rank,
            size,
            form,
        });
        self.urls.last_mut()
    }

    /// Puts other URLs in place of those for which there is one; what has none to put is offered no more.
    pub(super) fn replace(&mut self, mut other: impl FnMut(&str) -> Option<Option<Cow<'s, str>>>) {
        for mut offer in std::mem::take(&mut self.urls) {
            match other(&offer.url) {
                None => self.urls.push(offer),
                Some(Some(url)) => {
                    offer.url = url;
                    self.urls.push(offer);
                }
                Some(None) => {}
            }
        }
    }

    fn offer_set(&mut self, value: &str, name: Option<Name>) {
        for candidate in candidates(value) {
            if is_placeholder(candidate.url) {
                continue;
            }
            let url = Cow::Owned(candidate.url.to_owned());
            let Some(offer) = self.offer(url, Rank::Set, candidate.size) else {
                continue;
            };
            if candidate.is_width {
                offer.form.width = Some(candidate.size);
            }
            if let Some(name) = name {
                offer.form = offer.form.named(name);
            }
        }
    }

    /// The link around it, which leads to a picture.
    pub(super) fn offer_link(&mut self, href: Cow<'s, str>) {
        self.offer(href, Rank::Link, 0.0);
    }

    /// What an `img`, `amp-img`, `source` or `input` says.
    pub(super) fn read(&mut self, dom: &Dom<'s>, node: NodeId) {
        let (mut lazy, mut noted) = (Vec::new(), Vec::new());
        let mut source = None;
        for attribute in dom.attributes(node) {
            let name = attribute.name;
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("src") {
                source.get_or_insert(attribute.value());
            } else if is("srcset") {
                self.offer_set(&attribute.value(), None);
            } else if is("alt") {
                self.alt = squeezed(&attribute.value());
            } else if is("title") {
                self.title = squeezed(&attribute.value());
            } else if is("width") {
                self.width = pixels(attribute.raw);
            } else if is("height") {
                self.height = pixels(attribute.raw);
            } else if is("class") || is("id") {
                self.hints |= Hints::of(attribute.raw);
                if is("class") {
                    self.class = attribute.raw;
                }
            } else if is("style") {
                self.style = attribute.raw;
                if let Some(url) = background(attribute.raw).or_else(|| in_style(attribute.raw)) {
                    self.offer(Cow::Borrowed(url), Rank::Background, 0.0);
                }
            } else if !is("href")
                && !is("longdesc")
                && attribute.raw.len() > 4
                && lazy.len() < MOST_URLS
            {
                let value = attribute.value();
                if is_note(name) {
                    if is_picture_url(&value) || is_address(&value) {
                        noted.push(value);
                    }
                } else if is_srcset(&value)
                    || is_picture_url(&value)
                    || is_address(&value)
                    || is_data_url(&value)
                {
                    lazy.push((Name::of(name), value));
                }
            }
        }
        let source = source.unwrap_or_default();
        let behind = self.urls.iter().any(|offer| offer.rank == Rank::Background);
        // What a tool has put into the page is what was shown there, however small.
        let is_saved = !noted.is_empty() && is_data_url(source.trim());
        let stands_in = is_placeholder(&source) && !is_saved || behind && source.ends_with(".gif");
        let shown = (!stands_in).then_some(source.as_ref());
        let mut is_lazy = stands_in;
        for (name, value) in lazy {
            is_lazy |= self.read_lazy(name, value, shown);
        }
        self.is_lazy |= is_lazy;
        let rank = if stands_in {
            Rank::StandIn
        } else {
            Rank::Source
        };
        self.offer(source, rank, 0.0);
        for url in noted {
            self.offer(url, Rank::Noted, 0.0);
        }
    }

    /// Takes an attribute whose value is the URL of a picture, or a set of them, for one that a script reads; beside
    /// a `src` that is `shown`, only if it is the same picture or is put in its place.
    fn read_lazy(&mut self, name: Name, value: Cow<'s, str>, shown: Option<&str>) -> bool {
        if is_srcset(&value) {
            if name.is_lesser && shown.is_some() {
                return false;
            }
            self.offer_set(&value, Some(name));
            return true;
        }
        let by_name = name.is_address && !name.is_lesser;
        // Bare file names are names of pictures rather than their addresses.
        let is_found = is_picture_url(&value) && (value.contains('/') || name.is_loaded)
            || by_name && is_address(&value)
            || is_data_url(&value);
        if !is_found || is_placeholder(&value) {
            return false;
        }
        let is_same = shown.is_some_and(|shown| are_same(shown, &value));
        let is_lesser =
            name.is_lesser || shown.is_some_and(|shown| is_lesser(&value) && !is_lesser(shown));
        let is_used = match shown {
            None => true,
            Some(_) if is_lesser => is_same && !name.is_preview,
            Some(_) => is_same || name.is_loaded && is_picture_url(&value),
        };
        if is_used {
            let rank = if is_lesser { Rank::Lesser } else { Rank::Lazy };
            if let Some(offer) = self.offer(value, rank, name.width()) {
                offer.size = offer.form.width.unwrap_or(offer.size);
                offer.form = offer.form.named(name);
            }
        }
        is_used && !is_lesser
    }

    /// Its best URL as the page writes it.
    pub(super) fn url(&self) -> Option<&str> {
        self.ordered().first().map(|offer| offer.url.as_ref())
    }

    /// What is offered, the best first.
    fn ordered(&self) -> Vec<&Offer<'s>> {
        in_order(self.urls.iter().collect())
    }

    /// Offers previews of it no more.
    pub(super) fn drop_previews(&mut self) {
        if self.urls.len() < 2 {
            return;
        }
        let is_more = |offer| !self.is_preview(offer);
        let mut is_kept = self
            .urls
            .iter()
            .map(is_more)
            .collect::<Vec<_>>()
            .into_iter();
        self.urls.retain(|_| is_kept.next().unwrap_or(true));
    }

    /// Whether it is a preview of what is offered as more: of the same picture, by what its address or its attribute says.
    fn is_preview(&self, offer: &Offer<'_>) -> bool {
        if offer.rank == Rank::Link {
            return false;
        }
        let mut better = self
            .urls
            .iter()
            .filter(|better| better.rank >= Rank::Source && offer.form.is_preview_of(better.form));
        better.any(|better| {
            better.rank == Rank::Link
                || offer.rank == Rank::Lesser
                || are_same(&offer.url, &better.url)
        })
    }

    /// Whether it is a preview of the other picture.
    pub(super) fn previews(&self, other: &Self) -> bool {
        let best = |of: &Self| {
            of.ordered()
                .first()
                .map(|offer| (offer.form, offer.url.clone()))
        };
        best(self)
            .zip(best(other))
            .is_some_and(|((form, url), (other, larger))| {
                form.is_preview_of(other) && are_same(&url, &larger)
            })
    }

    /// Whether it has a URL that is more than a stand-in.
    pub(super) fn is_real(&self) -> bool {
        self.urls.iter().any(|offer| offer.rank > Rank::StandIn)
    }

    pub(super) fn shares_url(&self, other: &Self) -> bool {
        self.urls
            .iter()
            .any(|offer| other.urls.iter().any(|others| others.url == offer.url))
    }

    /// Whether it shows a formula, which its `alt` says.
    pub(super) fn is_formula(&self) -> bool {
        formulas::is_formula(self.class, &self.alt)
    }

    /// What its class and style say of its looks.
    pub(super) fn looks(&self) -> (&'s str, &'s str) {
        (self.class, self.style)
    }

    /// Whether the link around it leads to the picture.
    pub(super) fn leads_to_itself(&self) -> bool {
        self.urls.iter().any(|offer| offer.rank == Rank::Link)
    }

    /// Adds the URLs of the same picture from another element.
    pub(super) fn merge(&mut self, other: Self) {
        self.urls.extend(other.urls);
        self.urls.truncate(MOST_URLS);
        self.width = self.width.or(other.width);
        self.height = self.height.or(other.height);
        for (own, others) in [(&mut self.alt, other.alt), (&mut self.title, other.title)] {
            if own.is_empty() {
                *own = others;
            }
        }
    }

    /// Its absolute URLs, the best first, each once: those of other pictures and of stand-ins only where it has no more.
    pub(super) fn resolved(&self, base: Option<&Url>) -> Vec<String> {
        let mut offers = self.ordered();
        let best = offers.first().copied();
        if let Some(best) = best.filter(|best| best.rank >= Rank::Source) {
            let may_be_other = |offer: &Offer<'_>| {
                offer.rank < Rank::Source || is_lesser(&offer.url) && !is_lesser(&best.url)
            };
            offers.retain(|offer| !may_be_other(offer) || are_same(&offer.url, &best.url));
        }
        if self.is_real() {
            offers.retain(|offer| offer.rank > Rank::StandIn);
        }
        unique(&offers, base)
    }

    /// All its absolute URLs, those of other pictures and stand-ins, too.
    pub(super) fn all_resolved(&self, base: Option<&Url>) -> Vec<String> {
        unique(&self.ordered(), base)
    }

    pub(super) fn into_image(self, base: Option<&Url>) -> Option<Image> {
        let mut urls = self.resolved(base).into_iter();
        let url = urls.next()?;
        Some(Image {
            url,
            also: urls.collect(),
            alt: self.alt,
            caption: self.title,
            width: self.width,
            height: self.height,
        })
    }
}

/// Offers by their place in the page, the best first, but the largest of one picture before the others.
fn in_order<'o, 's>(mut offers: Vec<&'o Offer<'s>>) -> Vec<&'o Offer<'s>> {
    if offers.len() < 2 {
        return offers;
    }
    offers.sort_by(|a, b| b.rank.cmp(&a.rank).then(b.size.total_cmp(&a.size)));
    let Some(Offer {
        form: Form {
            width: Some(width), ..
        },
        url,
        rank,
        ..
    }) = offers.first().copied()
    else {
        return offers;
    };
    let is_larger = |offer: &&Offer<'_>| {
        matches!(offer.rank, Rank::Source | Rank::Lazy | Rank::Set)
            && offer.form.width.is_some_and(|other| other > *width)
            && are_same(&offer.url, url)
    };
    if *rank != Rank::Link
        && let Some(largest) = (0..offers.len())
            .filter(|&at| is_larger(&offers[at]))
            .max_by(|&a, &b| {
                let width = |at: usize| offers[at].form.width.unwrap_or(0.0);
                width(a).total_cmp(&width(b))
            })
    {
        offers[..=largest].rotate_right(1);
    }
    offers
}

/// Their absolute URLs, each once.
fn unique(offers: &[&Offer<'_>], base: Option<&Url>) -> Vec<String> {
    let mut urls: Vec<String> = Vec::with_capacity(offers.len());
    for offer in offers {
        if let Some(url) = resolve(&offer.url, base)
            && !urls.contains(&url)
        {
            urls.push(url);
        }
    }
    urls
}

/// Whether a link leads to a picture rather than to a page about it.
pub(super) fn leads_to_picture(href: &str) -> bool {
    let file = href
        .split(['?', '#'])
        .next()
        .and_then(|path| path.rsplit('/').next());
    is_picture_url(href) && !file.is_some_and(|file| file.contains(':'))
}

/// Whether a text that stands for a picture is only its file's name.
pub(super) fn is_file_name(alt: &str) -> bool {
    is_picture_url(alt) || alt.contains("://")
}

/// An absolute URL as browsers make it; `None` for what is no address of a picture or film.
pub(super) fn resolve(url: &str, base: Option<&Url>) -> Option<String> {
    let url = url.trim();
    if is_data_url(url) {
        return Some(url.to_owned());
    }
    if is_variable(url) {
        return None;
    }
    let resolved = match base {
        Some(base) => base.join(url),
        None => Url::parse(url),
    };
    resolved
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https" | "file"))
        .map(Into::into)
}

/// Whether an element is a picture by itself.
pub(super) fn is_picture(dom: &Dom<'_>, node: NodeId) -> bool {
    match dom.tag(node) {
        Tag::Img => true,
        Tag::Other => {
            let name = dom.name(node);
            name.eq_ignore_ascii_case("amp-img") || name.eq_ignore_ascii_case("image")
        }
        _ => false,
    }
}

/// Whether an attribute is a note of SingleFile, Save Page WE or WebScrapBook of what another one was.
fn is_note(name: &str) -> bool {
    const STARTS: [&str; 3] = [
        "data-sf-original-",
        "data-savepage-",
        "data-scrapbook-orig-",
    ];
    let begins = |start: &&str| {
        name.get(..start.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    };
    STARTS.iter().any(begins)
}

/// The picture behind an element, by its style.
fn background(style: &str) -> Option<&str> {
    let (_, after) = style.split_once("background-image")?;
    let (_, url) = after.split_once("url(")?;
    let url = url.split(')').next()?.trim_matches(['\'', '"', ' ']);
    let url = url.trim_start_matches("&quot;").trim_end_matches("&quot;");
    (!is_placeholder(url)).then_some(url)
}

/// `640`, `640px`; not `50%`.
fn pixels(value: &str) -> Option<u32> {
    let value = value.trim();
    let digits = value
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(value.len());
    match value[digits..].trim() {
        "" | "px" => value[..digits].parse().ok(),
        _ => None,
    }
}
