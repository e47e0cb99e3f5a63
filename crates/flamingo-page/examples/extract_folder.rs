//! Extracts a folder of pages, several times, and says how long one takes and how good it is.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]
//!
//! `extract_folder FOLDER GOLD [TIMES] [--docs FILE]`; pages are `*.html`, their URLs `index.json` or a fixed one.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;
use std::{env, fs};

use flamingo_page::evaluate::{Document, Gold, Row, evaluate};
use flamingo_page::{Context, extract};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, gold, rest @ ..] = arguments.as_slice() else {
        panic!("give a folder and a gold")
    };
    let times: u32 = rest.first().map_or(1, |times| times.parse().unwrap());
    let addresses: BTreeMap<String, (String, String)> =
        fs::read_to_string(Path::new(folder).join("index.json"))
            .map(|text| serde_json::from_str(&text).unwrap())
            .unwrap_or_default();
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            pages.insert(name, fs::read(path).unwrap());
        }
    }
    let mut documents = Vec::new();
    let started = Instant::now();
    for _ in 0..times {
        documents = pages
            .iter()
            .map(|(name, html)| document(name, html, addresses.get(name)))
            .collect::<Vec<_>>();
    }
    let seconds = started.elapsed().as_secs_f64() / f64::from(times) / pages.len() as f64;
    if let Some(path) = rest.get(1) {
        let lines: Vec<String> = documents
            .iter()
            .map(|document| serde_json::to_string(document).unwrap())
            .collect();
        fs::write(path, lines.join("\n")).unwrap();
    }
    let mut evaluation = evaluate(&Gold::open(Path::new(gold)).unwrap(), &documents);
    evaluation
        .rows
        .sort_by(|a, b| worth(a).total_cmp(&worth(b)));
    for row in evaluation
        .rows
        .iter()
        .take(rest.get(2).map_or(0, |worst| worst.parse().unwrap()))
    {
        println!("{:.3} {}", worth(row), serde_json::to_string(row).unwrap());
    }
    evaluation.rows.clear();
    println!("{}", serde_json::to_string(&evaluation).unwrap());
    println!("{:.3} ms a page", seconds * 1e3);
}

fn worth(row: &Row) -> f64 {
    let text = row.text.map_or(2.0, |text| {
        text.precision().unwrap_or(0.0) + text.recall().unwrap_or(0.0)
    });
    let images = row.images.map_or(0, |images| {
        images.found + images.expected - 2 * images.matched
    });
    text - images as f64 * 0.1
}

fn document(name: &str, html: &[u8], address: Option<&(String, String)>) -> Document {
    let (url, content_type) = match address {
        Some((url, content_type)) => (url.as_str(), Some(content_type.as_str())),
        None => ("http://fakehost/test/page.html", None),
    };
    let page = extract(html, &Context { url, content_type }).page;
    Document {
        id: Some(name.to_owned()),
        page,
    }
}
