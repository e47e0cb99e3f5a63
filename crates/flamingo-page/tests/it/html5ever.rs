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

#[test]
fn real_pages_have_the_texts_and_pictures_that_html5ever_finds_in_the_same_elements() {
    let pages = pages();
    if pages.is_empty() {
        eprintln!("skipped: there are no pages in ../../../shared/data");
        return;
    }
    let mut same_content = 0;
    let mut same_place = 0.0;
    for path in &pages {
        let bytes = read(path);
        let text = charset::decode(&bytes, None);
        let (ours, theirs) = (ours(&text), theirs(&text));
        let is_same = ours
            .iter()
            .map(|seen| &seen.0)
            .eq(theirs.iter().map(|seen| &seen.0));
        let share = share_of_places(&ours, &theirs);
        if !is_same || share < 1.0 {
            eprintln!(
                "{}: same content: {is_same}, {share:.4} in the same place, {}",
                path.display(),
                difference(&ours, &theirs)
            );
        }
        same_content += usize::from(is_same);
        same_place += share;
    }
    let count = pages.len();
    eprintln!(
        "{same_content} of {count} pages with the same content, {:.5} of it in the same place",
        same_place / count as f64
    );
    assert!(
        same_content * 100 >= count * 95,
        "{same_content} of {count}"
    );
    assert!(same_place >= 0.97 * count as f64, "{same_place} of {count}");
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
    let near = at.saturating_sub(2)..at + 2;
    format!(
        "at {at}: {:?} for {:?}",
        ours.get(near.clone()),
        theirs.get(near)
    )
}

fn ours(text: &str) -> Vec<Seen> {
    let dom = Dom::parse(text);
    let mut seen = Vec::new();
    for node in dom.descendants(NodeId::ROOT) {
        let place = || {
            let names = dom
                .ancestors(node)
                .filter(|&node| node != NodeId::ROOT)
                .map(|node| name(&dom, node));
            names.filter(|name| is_compared(name)).collect::<Vec<_>>()
        };
        match dom.tag(node) {
            Tag::Text => add_words(&mut seen, &dom.text(node), &place()),
            Tag::Img => seen.push((dom.attr(node, "src").unwrap_or_default().into(), place())),
            _ => {}
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
    let html = parse_document(HtmlTreeSink::new(Html::new_document()), options).one(text);
    let mut seen = Vec::new();
    for node in html.tree.root().descendants() {
        let place = || {
            let elements = node
                .ancestors()
                .filter_map(|node| node.value().as_element());
            let names = elements.map(|element| element.name().to_ascii_lowercase());
            names.filter(|name| is_compared(name)).collect::<Vec<_>>()
        };
        match node.value() {
            Node::Text(text) => add_words(&mut seen, text, &place()),
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
