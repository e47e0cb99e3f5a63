//! Real pages parsed as html5ever parses them: same texts and pictures, in the same elements.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::io::Read;
use std::path::{Path, PathBuf};

use flamingo_page::{Dom, NodeId, Tag, charset};
use html5ever::tendril::TendrilSink;
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{ParseOpts, parse_document};
use scraper::{Html, HtmlTreeSink, Node};

/// Elements that we do not imply, or whose place at the end of a block may differ.
const NOT_COMPARED: &[&str] = &[
    "tbody", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt",
    "u", "a",
];

/// A word or a picture's address, and the names of the elements that it is in.
type Seen = (String, Vec<String>);

/// Pages, and how many of them agree.
#[derive(Default)]
struct Agreement {
    pages: usize,
    same_content: usize,
    same_place: f64,
}

impl Agreement {
    fn add(&mut self, name: &str, text: &str) {
        let (ours, theirs) = (ours(text), theirs(text));
        let content = |seen: &[Seen]| seen.iter().map(|seen| seen.0.clone()).collect::<Vec<_>>();
        let is_same = content(&ours) == content(&theirs);
        let share = share_of_places(&ours, &theirs);
        if !is_same || share < 1.0 {
            let difference = difference(&ours, &theirs);
            eprintln!(
                "{name}: same content: {is_same}, {share:.4} in the same place, {difference}"
            );
        }
        self.pages += 1;
        self.same_content += usize::from(is_same);
        self.same_place += share;
    }

    fn check(&self, least_content: f64, least_place: f64) {
        let content = self.same_content as f64 / self.pages as f64;
        let place = self.same_place / self.pages as f64;
        let told = format!(
            "{content:.4} of {} pages with the same content, {place:.5} of it in the same place",
            self.pages
        );
        eprintln!("{told}");
        assert!(content >= least_content && place >= least_place, "{told}");
    }
}

#[test]
fn real_pages_have_the_texts_and_pictures_that_html5ever_finds_in_the_same_elements() {
    let mut agreement = Agreement::default();
    for path in pages() {
        let bytes = read(&path);
        agreement.add(&path.to_string_lossy(), &charset::decode(&bytes, None));
    }
    if agreement.pages > 0 {
        agreement.check(0.99, 0.999);
    }
}

#[test]
fn pages_that_lost_some_of_their_tags_agree_nearly_as_well() {
    let mut agreement = Agreement::default();
    for path in pages() {
        let bytes = read(&path);
        let text = without_some_tags(&charset::decode(&bytes, None));
        agreement.add(&path.to_string_lossy(), &text);
    }
    if agreement.pages > 0 {
        agreement.check(0.9, 0.95);
    }
}

/// The page without one in a hundred of its tags outside of scripts.
fn without_some_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut state = text.len() as u64;
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        let end = tag.find('>').map_or(tag.len(), |end| end + 1);
        out.push_str(before);
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let is_markup =
            tag[1..].starts_with(|first: char| first.is_ascii_alphabetic() || first == '/');
        let is_raw = ["script", "style", "textarea", "title", "iframe"]
            .iter()
            .any(|name| tag[..end].contains(name));
        if !is_markup || is_raw || state >> 33 & 127 != 0 {
            out.push_str(&tag[..end]);
        }
        rest = &tag[end..];
    }
    out + rest
}

fn pages() -> Vec<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let mut pages = Vec::new();
    let mut folders = vec![
        shared.join("article-extraction/html"),
        shared.join("readability-images"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".html.gz") || name == "source.html" {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

fn read(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|extension| extension != "gz") {
        return bytes;
    }
    let mut page = Vec::new();
    flate2::read::GzDecoder::new(&bytes[..])
        .read_to_end(&mut page)
        .unwrap();
    page
}

/// Of the words of both, the share that stands in the same elements.
fn share_of_places(ours: &[Seen], theirs: &[Seen]) -> f64 {
    let same = ours
        .iter()
        .zip(theirs)
        .filter(|(ours, theirs)| ours == theirs)
        .count();
    same as f64 / ours.len().max(theirs.len()).max(1) as f64
}

fn difference(ours: &[Seen], theirs: &[Seen]) -> String {
    let at = ours
        .iter()
        .zip(theirs)
        .position(|(ours, theirs)| ours != theirs);
    let at = at.unwrap_or(ours.len().min(theirs.len()));
    let near = |seen: &[Seen]| {
        let near = seen.iter().skip(at.saturating_sub(1)).take(3);
        near.map(|(word, place)| format!("{word} in {}", place.join("<")))
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!(
        "at {at}:\n    ours {}\n    theirs {}",
        near(ours),
        near(theirs)
    )
}

fn ours(text: &str) -> Vec<Seen> {
    let dom = Dom::parse(text);
    let mut seen = Vec::new();
    let mut text = String::new();
    for node in dom.descendants(NodeId::ROOT) {
        let place = || {
            let names = dom
                .ancestors(node)
                .filter(|&node| node != NodeId::ROOT)
                .map(|node| name(&dom, node));
            names.filter(|name| is_compared(name)).collect::<Vec<_>>()
        };
        if dom.is_text(node) {
            // A tag that is nothing may part a text in two, which then are read as one.
            text.push_str(&dom.text(node));
            if !dom.next_sibling(node).is_some_and(|next| dom.is_text(next)) {
                add_words(&mut seen, &std::mem::take(&mut text), &place());
            }
        } else if dom.tag(node) == Tag::Img {
            seen.push((dom.attr(node, "src").unwrap_or_default().into(), place()));
        }
    }
    seen
}

fn name(dom: &Dom<'_>, node: NodeId) -> String {
    match dom.tag(node) {
        Tag::Other => dom.name(node).to_ascii_lowercase(),
        tag => tag.name().to_owned(),
    }
}

fn theirs(text: &str) -> Vec<Seen> {
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts {
            scripting_enabled: false,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    let mut html = parse_document(HtmlTreeSink::new(Html::new_document()), options).one(text);
    let comments = html
        .tree
        .nodes()
        .filter(|node| node.value().is_comment())
        .map(|node| node.id());
    for comment in comments.collect::<Vec<_>>() {
        html.tree.get_mut(comment).unwrap().detach();
    }
    let mut seen = Vec::new();
    let mut text = String::new();
    for node in html.tree.root().descendants() {
        let place = || {
            let elements = node
                .ancestors()
                .filter_map(|node| node.value().as_element());
            let names = elements.map(|element| element.name().to_ascii_lowercase());
            names.filter(|name| is_compared(name)).collect::<Vec<_>>()
        };
        match node.value() {
            Node::Text(part) => {
                text.push_str(part);
                if !node
                    .next_sibling()
                    .is_some_and(|next| next.value().is_text())
                {
                    add_words(&mut seen, &std::mem::take(&mut text), &place());
                }
            }
            Node::Element(element) if element.name() == "img" => {
                seen.push((element.attr("src").unwrap_or_default().to_owned(), place()));
            }
            _ => {}
        }
    }
    seen
}

fn is_compared(name: &str) -> bool {
    !NOT_COMPARED.contains(&name)
}

fn add_words(seen: &mut Vec<Seen>, text: &str, place: &[String]) {
    seen.extend(
        text.split_whitespace()
            .map(|word| (word.to_owned(), place.to_vec())),
    );
}
