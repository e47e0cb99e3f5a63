//! The reports that other programs read.

use flamingo::image::Image;
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
        [
            "binding",
            "captions",
            "questions",
            "dialogues",
            "films",
            "film_questions",
            "seconds"
        ]
    );
    assert_eq!(report["binding"].as_array().unwrap().len(), 25);
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
    let question = ["kind", "shots", "pictures", "accuracy"];
    assert_eq!(keys(&report["questions"][0]), question);
    assert_eq!(keys(&report["film_questions"][0]), question);
    let dialogue = ["round", "pictures", "accuracy"];
    assert_eq!(keys(&report["dialogues"][0]), dialogue);
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
fn the_demo_of_a_folder_of_photos_prints_the_class_mean_beside_the_model() {
    let place = Workplace::new();
    for (thing, colour) in [
        [250, 20, 20],
        [20, 250, 20],
        [20, 20, 250],
        [240, 240, 240],
        [5, 5, 5],
    ]
    .iter()
    .enumerate()
    {
        for photo in 0..6_u8 {
            let picture = Image::from_fn(16, 16, |x, y| {
                colour.map(|c: u8| c ^ (x * y % 3) as u8 ^ photo)
            });
            place.write(
                &format!("photos/thing_{thing}/{photo}.png"),
                &picture.to_png(),
            );
        }
    }
    let demo = ["demo", "--data", "photos", "--queries", "7", "--json"];
    let report = place.ok(&demo);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        (report["things"].as_u64(), report["photos"].as_u64()),
        (Some(5), Some(30))
    );
    let figures = report["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 14);
    for figure in figures {
        assert_eq!(figure["queries"], 7);
        let real = figure["pictures"] == "real";
        assert_eq!(figure["class_mean"].is_number(), real);
        // Five colours: no encoder takes one for another.
        assert!(!real || figure["class_mean"] == 1.0, "{figure}");
        assert_eq!(figure["label"].is_number(), real);
    }
    place.write("photos/CREDITS.txt", b"Photos: nobody's <own>");
    let again = place.ok(&[&demo[..], &["--html", "page.html"]].concat());
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["figures"], report["figures"]);
    let page = std::fs::read_to_string(place.path().join("page.html")).unwrap();
    assert!(page.contains("nobody&#39;s &lt;own&gt;"));
    assert_eq!(page.matches("<article").count(), 6);
    assert!(page.contains("nearest class mean: ") && page.contains("class=\"mean\""));
    for loading in ["src=\"http", "<script", "<link", "url(", "@import", "{{"] {
        assert!(!page.contains(loading), "{loading}");
    }
    place.write("few/red/1.png", &Image::solid(7, 5, [200, 30, 30]).to_png());
    let told = place.refused(&["demo", "--data", "few"]);
    assert!(
        told.contains("there are 0 things with 5 photos or more, an episode needs up to 5"),
        "{told}"
    );
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
