//! JSON Lines of pages.

use std::fs;

use flamingo_corpus::deduplication::Deduplication;
use flamingo_dedup::Deduplicator;
use flamingo_dedup::jsonl::{Example, Report, dedup_jsonl};
use serde_json::json;

use crate::corpus::words;

fn line(url: &str, texts: &[&str]) -> String {
    let parts: Vec<_> = texts
        .iter()
        .map(|text| json!({"text": text, "kind": "p"}))
        .collect();
    json!({"url": url, "parts": parts, "decisions": {"kept": true}}).to_string()
}

fn dedup(inputs: &[&[String]]) -> (Vec<String>, Report) {
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..inputs.len())
        .map(|index| dir.path().join(format!("{index}.jsonl")))
        .collect();
    for (path, lines) in paths.iter().zip(inputs) {
        fs::write(path, lines.join("\n")).unwrap();
    }
    let output = dir.path().join("kept.jsonl");
    let report = dedup_jsonl(
        &paths,
        &output,
        &Deduplicator::local().threads(2),
        &Deduplication::default(),
    )
    .unwrap();
    let kept = fs::read_to_string(&output).unwrap();
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        inputs.len() + 1,
        "something was left behind"
    );
    (kept.lines().map(str::to_owned).collect(), report)
}

#[test]
fn lines_that_stay_are_as_they_were_and_the_others_are_told() {
    let text = words(1, 200);
    let first = [
        line("https://a.example/1", &[&text]),
        String::new(),
        "no page".to_owned(),
        line("http://a.example/1#top", &["Another text of the page."]),
    ];
    let second = [
        line("https://b.example/2", &[&format!("{text} and more")]),
        line("https://b.example/3", &[&words(2, 200)]),
        line("https://c.example/4", &[&text]),
    ];
    let (kept, report) = dedup(&[&first, &second]);
    assert_eq!(kept, [first[0].clone(), second[1].clone()]);
    assert_eq!((report.lines, report.kept), (6, 2));
    let dropped = ["malformed", "near_duplicate", "same_page", "same_url"]
        .map(|reason| (reason.to_owned(), 1));
    assert_eq!(report.dropped, dropped.into());
    let example = |reason: &str, url: &str| Example {
        reason: reason.to_owned(),
        url: url.to_owned(),
        of: "https://a.example/1".to_owned(),
    };
    let expected = [
        example("same_url", "http://a.example/1#top"),
        example("near_duplicate", "https://b.example/2"),
        example("same_page", "https://c.example/4"),
    ];
    assert_eq!(report.examples, expected);
}

#[test]
fn paragraphs_that_repeat_in_a_domain_go_and_the_rest_of_the_line_stays() {
    let footer = "All rights reserved by nobody.";
    let lines: Vec<String> = (0..3)
        .map(|page| {
            line(
                &format!("https://a.example/{page}"),
                &[&words(page, 50), footer],
            )
        })
        .chain([line("https://b.example/", &[&words(9, 50), footer])])
        .collect();
    let (kept, report) = dedup(&[&lines]);
    assert_eq!(report.dropped_paragraphs, 3);
    assert_eq!(kept[0], line("https://a.example/0", &[&words(0, 50)]));
    assert_eq!(kept[3], lines[3]);
    assert_eq!(report.kept, 4);
}

#[test]
fn no_lines_make_an_empty_file() {
    let (kept, report) = dedup(&[&[]]);
    assert_eq!((kept, report), (vec![], Report::default()));
}
