//! The forms of gold, and how good the extraction is on real pages where they are at hand.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flamingo_page::evaluate::{Document, Evaluation, Gold, documents, evaluate};
use flamingo_page::{Context, extract};
use flate2::read::GzDecoder;

const READER_URL: &str = "http://fakehost/test/page.html";

fn document(id: &str, html: &[u8]) -> Document {
    let page = extract(
        html,
        &Context {
            url: READER_URL,
            content_type: None,
        },
    )
    .page;
    Document {
        id: Some(id.to_owned()),
        page,
    }
}

fn gunzipped(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(path).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

#[test]
fn an_article_gold_is_compared_by_file_names() {
    let folder = tempfile::tempdir().unwrap();
    let body = "one two three four five";
    fs::write(
        folder.path().join("ground-truth.json"),
        format!(r#"{{"a": {{"articleBody": "{body}", "url": "u"}}}}"#),
    )
    .unwrap();
    let gold = Gold::open(folder.path()).unwrap();
    let lines =
        format!(r#"{{"id": "html/a.html.gz", "url": "x", "parts": [{{"text": "{body}"}}]}}"#);
    let path = folder.path().join("docs.jsonl");
    fs::write(&path, lines + "\n\n").unwrap();
    let evaluation = evaluate(&gold, &documents(&path).unwrap());
    assert_eq!(evaluation.text.unwrap().f1, 1.0);
    assert!(
        evaluation.images.is_none()
            && evaluation.missing.is_empty()
            && evaluation.unknown.is_empty()
    );
}

#[test]
fn a_gold_of_interleaved_documents_is_compared_by_urls() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gold.jsonl");
    let page = r#"{"url": "https://a.example/", "items": [{"text": "one two"}, {"image": "https://a.example/1", "also": ["https://a.example/2"]}]}"#;
    fs::write(&path, page).unwrap();
    let gold = Gold::open(&path).unwrap();
    let docs = folder.path().join("docs.jsonl");
    fs::write(&docs, r#"{"url": "https://a.example/", "parts": [{"text": "one two"}, {"image": "https://a.example/2"}]}"#).unwrap();
    let evaluation = evaluate(&gold, &documents(&docs).unwrap());
    assert_eq!(
        (evaluation.text.unwrap().f1, evaluation.images.unwrap().f1),
        (1.0, 1.0)
    );
    assert_eq!(evaluation.images_in_order, Some(1.0));
}

#[test]
fn a_reader_mode_gold_holds_all_images_of_the_expected_page() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("a")).unwrap();
    let html = "<div class=ad><img src=x.png width=1></div><picture><source srcset='/w.webp 9w'><img src=w.png></picture>";
    fs::write(folder.path().join("a/expected.html"), html).unwrap();
    let gold = Gold::open(folder.path()).unwrap();
    let images: Vec<Vec<String>> = gold.pages["a"]
        .images
        .clone()
        .unwrap()
        .into_iter()
        .map(|image| image.urls)
        .collect();
    assert_eq!(
        images,
        [
            vec!["http://fakehost/test/x.png"],
            vec!["http://fakehost/w.webp", "http://fakehost/test/w.png"]
        ]
    );
}

#[test]
fn what_is_no_gold_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gold.jsonl");
    fs::write(&path, "{\"url\": \"a\", \"items\": []}\n{\"url\": 1}\n").unwrap();
    assert!(
        Gold::open(&path)
            .unwrap_err()
            .to_string()
            .contains("line 2")
    );
    assert!(
        Gold::open(&folder.path().join("none"))
            .unwrap_err()
            .to_string()
            .contains("can't read")
    );
    fs::remove_file(&path).unwrap();
    assert!(
        Gold::open(folder.path())
            .unwrap_err()
            .to_string()
            .contains("no expected content")
    );
}

/// The folder of real pages, where it is at hand.
#[allow(clippy::print_stderr)]
fn data(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(name);
    if !folder.exists() {
        eprintln!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

fn evaluated(gold: &Path, pages: impl Iterator<Item = (String, PathBuf)>) -> Evaluation {
    let documents: Vec<Document> = pages
        .map(|(id, path)| document(&id, &gunzipped(&path)))
        .collect();
    evaluate(&Gold::open(gold).unwrap(), &documents)
}

fn entries(folder: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries.map(|path| {
        (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            path,
        )
    })
}

#[test]
fn articles_are_extracted_as_well_as_the_best_published_extractors_do() {
    let Some(folder) = data("article-extraction") else {
        return;
    };
    let evaluation = evaluated(&folder, entries(&folder.join("html")));
    assert!(evaluation.missing.is_empty());
    let score = evaluation.text.unwrap();
    assert!(score.f1 >= 0.97, "{score:?}");
}

#[test]
fn images_of_reader_mode_are_found_in_order() {
    let Some(folder) = data("readability-images") else {
        return;
    };
    let pages = entries(&folder).map(|(id, path)| (id, path.join("source.html.gz")));
    let evaluation = evaluated(&folder, pages.filter(|(_, path)| path.exists()));
    assert!(evaluation.missing.is_empty());
    let score = evaluation.images.unwrap();
    assert!(score.precision >= 0.9 && score.recall >= 0.9, "{score:?}");
    assert!(evaluation.images_in_order.unwrap() >= 0.9);
}
