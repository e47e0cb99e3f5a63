//! A page's bytes to its main content.
//!
//! What surely is none goes first; the smallest element that holds most of the remaining text is the root; what it
//! holds is read in document order, and blocks in it that only lead elsewhere go last. No rule knows a site.

mod blocks;
mod captions;
mod cards;
mod clean;
mod code;
mod formulas;
mod frame;
mod gather;
mod hints;
mod icons;
mod language;
mod lead;
mod metadata;
mod panels;
mod phrases;
mod pictures;
mod prose;
mod prune;
mod root;
mod saved;
mod shadow;
mod spaces;
mod srcset;
mod subjects;
mod survey;
mod traits;
mod variables;
mod variants;

use url::Url;

use crate::charset::decode;
use crate::data_urls::is_data_url;
use crate::{Dom, NodeId, Page, Part, Tag, Text, Video};
use blocks::{Block, Content, Film};
use gather::Gatherer;
use metadata::Head;
use survey::Survey;
use variables::Variables;

pub use language::sure_language;
pub use metadata::Robots;

/// What is known of a page beside its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'c> {
    /// Where it was found; relative URLs are resolved against it.
    pub url: &'c str,
    /// Its `Content-Type`, for its charset.
    pub content_type: Option<&'c str>,
}

/// A page's main content and what its head says about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extraction {
    /// The content.
    pub page: Page,
    /// The address that the page names as its own.
    pub canonical: Option<String>,
    /// The language that the page declares, as it writes it.
    pub declared_language: Option<String>,
    /// What the page asks of robots.
    pub robots: Robots,
    /// Whether the page was too large to be read to its end.
    pub is_truncated: bool,
}

/// Extracts the main content of a page of any bytes; never fails, in time linear in their number.
pub fn extract(html: &[u8], context: &Context<'_>) -> Extraction {
    let source = decode(html, context.content_type);
    let dom = Dom::parse(&source);
    extract_from(&dom, context)
}

/// [`extract`] from a page that is parsed already.
pub fn extract_from(dom: &Dom<'_>, context: &Context<'_>) -> Extraction {
    let address = Url::parse(context.url).ok();
    let mut head = Head::read(dom, address.as_ref());
    saved::take_back(&mut head.robots, dom.source());
    let base = head.base.as_ref().or(address.as_ref());
    let (title, heading) = head.title(dom);
    let known = clean::Known {
        title: title.as_deref(),
        address: head.canonical.as_deref(),
    };
    let mut blocks = content(dom, Survey::of(dom), heading, known);
    if length_of(&blocks) < FEW {
        let others = whole_content(dom, known);
        let least = if blocks.is_empty() {
            LEAST
        } else {
            LEAST_BESIDE
        };
        if length_of(&others) >= least {
            blocks = others;
        }
    }
    if length_of(&blocks) < LEAST && dom.find_first(Tag::Noscript).is_some() {
        let others = content(dom, Survey::without_scripts(dom), heading, known);
        if length_of(&others) >= LEAST_OF_NOSCRIPT {
            blocks = others;
        }
    }
    let mut variables = Variables::new(dom.source());
    for block in &mut blocks {
        if let Content::Picture(picture) = &mut block.content {
            picture.replace(|url| variables.value(url));
        }
    }
    let parts = parts(blocks, base);
    let language = language::detect(&parts, head.language.as_deref());
    Extraction {
        page: Page {
            url: context.url.to_owned(),
            title,
            language,
            parts,
        },
        canonical: head.canonical,
        declared_language: head.language,
        robots: head.robots,
        is_truncated: dom.is_truncated(),
    }
}

/// Bytes of text below which a page is looked at again.
const FEW: usize = 250;
/// Bytes of text for which another look is worth it: where nothing was found, and where something was.
const LEAST: usize = 140;
const LEAST_BESIDE: usize = 1000;
/// As before, for what a page shows where no script runs: less only says that one should.
const LEAST_OF_NOSCRIPT: usize = 600;

/// The blocks of the part of a page that holds its content.
fn content<'s>(
    dom: &Dom<'s>,
    mut survey: Survey,
    heading: Option<NodeId>,
    known: clean::Known<'_>,
) -> Vec<Block<'s>> {
    prune::prune(dom, &mut survey, heading);
    let root = root::find(dom, &survey, heading);
    prune::prune_inside(dom, &mut survey, root);
    let blocks = Gatherer::new(dom, &survey).gather(root);
    let blocks = clean::clean(dom, &survey, blocks, known);
    lead::with_lead(dom, &survey, root, heading, blocks)
}

/// The blocks of a page that read as text, wherever they are and whatever their elements are called: for pages whose
/// content is not where names and shares say.
fn whole_content<'s>(dom: &Dom<'s>, known: clean::Known<'_>) -> Vec<Block<'s>> {
    let mut survey = Survey::of(dom);
    prune::prune_kinds(dom, &mut survey);
    prune::prune_inside(dom, &mut survey, NodeId::ROOT);
    let mut blocks = Gatherer::new(dom, &survey).gather(NodeId::ROOT);
    blocks.retain(|block| match &block.content {
        Content::Text(words) => prose::reads_as_text(words),
        Content::Picture(_) | Content::Film(_) => true,
    });
    clean::clean(dom, &survey, blocks, known)
}

fn length_of(blocks: &[Block<'_>]) -> usize {
    let length = |block: &Block<'_>| match &block.content {
        Content::Text(words) => words.text.len(),
        Content::Picture(_) | Content::Film(_) => 0,
    };
    blocks.iter().map(length).sum()
}

fn parts(blocks: Vec<Block<'_>>, base: Option<&Url>) -> Vec<Part> {
    blocks
        .into_iter()
        .filter_map(|block| part(block.content, base))
        .collect()
}

fn part(content: Content<'_>, base: Option<&Url>) -> Option<Part> {
    match content {
        Content::Text(words) => Some(Part::Text(Text {
            text: words.text,
            kind: words.kind,
        })),
        Content::Picture(picture) => picture.into_image(base).map(Part::Image),
        Content::Film(film) => video(film, base).map(Part::Video),
    }
}

fn video(film: Film<'_>, base: Option<&Url>) -> Option<Video> {
    let mut urls = film
        .urls
        .iter()
        .filter_map(|url| pictures::resolve(url, base));
    let url = urls.find(|url| !is_data_url(url))?;
    Some(Video {
        url,
        also: urls.collect(),
        poster: film
            .poster
            .and_then(|poster| pictures::resolve(&poster, base)),
        caption: film.caption,
    })
}

/// All URLs of each image of a page, whether content or not, in document order.
pub(crate) fn image_urls(html: &[u8], url: &str) -> Vec<Vec<String>> {
    let source = decode(html, None);
    let dom = Dom::parse(&source);
    let address = Url::parse(url).ok();
    let survey = Survey::keeping_all(&dom);
    let gatherer = Gatherer::new(&dom, &survey).with_every_picture();
    let blocks = gatherer.gather(NodeId::ROOT);
    blocks
        .into_iter()
        .filter_map(|block| match block.content {
            Content::Picture(picture) => Some(picture.all_resolved(address.as_ref())),
            Content::Text(_) | Content::Film(_) => None,
        })
        .filter(|urls| !urls.is_empty())
        .collect()
}
