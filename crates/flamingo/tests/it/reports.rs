//! The reports that other programs read.

use serde_json::Value;

use crate::Workplace;

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_demo_prints_its_figures_as_json_and_writes_a_page_that_loads_nothing() {
    let place = Workplace::new();
    let report = place.ok(&["demo", "--queries", "2", "--json", "--html", "page.html"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        keys(&report),
        ["binding", "captions", "questions", "films", "seconds"]
    );
    assert_eq!(report["binding"].as_array().unwrap().len(), 16);
    let binding = &report["binding"][0];
    assert_eq!(
        keys(binding),
        ["names", "shots_each", "pictures", "accuracy", "queries"]
    );
    assert_eq!(
        (binding["pictures"].as_str(), binding["queries"].as_u64()),
        (Some("real"), Some(2))
    );
    assert_eq!(keys(&report["captions"][0]), ["things", "exact", "group"]);
    assert_eq!(keys(&report["questions"][0]), ["kind", "shots", "accuracy"]);
    assert_eq!(report["films"][1]["things"], "held-out");
    let page = std::fs::read_to_string(place.path().join("page.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("data:image/png;base64,"));
    for loading in ["src=\"http", "<script", "<link", "url(", "@import"] {
        assert!(!page.contains(loading), "{loading}");
    }
    assert!(!page.contains("{{"));
}

#[test]
fn figures_alone_leave_no_page_behind() {
    let place = Workplace::new();
    place.ok(&["demo", "--queries", "1", "--json"]);
    assert!(!place.path().join("flamingo-demo.html").exists());
}

#[test]
fn the_doctor_finds_the_processor_and_the_embedded_model() {
    let report: Value = serde_json::from_str(&Workplace::new().ok(&["doctor", "--json"])).unwrap();
    assert_eq!(report["devices"][0]["name"], "cpu");
    assert_eq!(report["devices"][0]["works"], true);
    assert_eq!(report["model"]["sha256"].as_str().unwrap().len(), 64);
    assert!(report["model"]["description"]["total"].as_u64().unwrap() > 0);
    assert!(report["memory"]["total"].as_u64().unwrap() > 0);
}

#[test]
fn the_papers_models_are_described_as_its_table_prints_them() {
    let place = Workplace::new();
    insta::assert_snapshot!(
        "describe-3b",
        place.ok(&["describe", "--preset", "flamingo-3b"])
    );
    assert!(
        place
            .refused(&["describe", "--preset", "flamingo-1b"])
            .contains("flamingo-80b")
    );
}
