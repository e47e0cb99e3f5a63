//! `flamingo corpus extract`, `evaluate` and `plan`: what needs no tables.

use std::fs;

use crate::Workplace;
use crate::saved_pages::{save_pages, sentence};

#[test]
fn pages_are_extracted_and_agree_with_what_they_say() {
    let place = Workplace::new();
    save_pages(&place, 3);
    let extract = [
        "corpus",
        "extract",
        "--input",
        "web",
        "--output",
        "docs.jsonl",
    ];
    let report = place.ok(&[
        &extract[..],
        &[
            "--base-url",
            "https://town.example/",
            "--preset",
            "none",
            "--json",
        ],
    ]
    .concat());
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["pages"], &report["kept"]), (&4.into(), &4.into()));
    let lines = fs::read_to_string(place.path().join("docs.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["url"], "https://town.example/000.html");
    assert_eq!(first["language"], "en");
    assert_eq!(first["decisions"]["kept"], true);
    let parts = first["parts"].as_array().unwrap();
    assert_eq!(parts[6]["image"], "https://town.example/0.png");
    assert_eq!(parts[6]["alt"], "a picture");
    let gold: Vec<String> = (0..3)
        .map(|page| {
            let texts = (0..6).map(|number| serde_json::json!({"text": sentence(page, number), "kind": "p"}));
            let image = serde_json::json!({"image": format!("https://town.example/{page}.png")});
            let caption = format!("This is the picture of page {page} with its colours.");
            let caption = serde_json::json!({"text": caption, "kind": "caption"});
            let items: Vec<_> = texts.chain([image, caption]).collect();
            serde_json::json!({"url": format!("https://town.example/{page:03}.html"), "items": items}).to_string()
        })
        .collect();
    place.write("gold.jsonl", gold.join("\n").as_bytes());
    let score = place.ok(&[
        "corpus",
        "evaluate",
        "--gold",
        "gold.jsonl",
        "--docs",
        "docs.jsonl",
        "--json",
    ]);
    let score: serde_json::Value = serde_json::from_str(&score).unwrap();
    assert_eq!(score["text"]["f1"], 1.0, "{score}");
    assert_eq!(score["images"]["f1"], 1.0, "{score}");
    assert_eq!(
        score["unknown"],
        serde_json::json!(["https://town.example/003.html"])
    );
}

#[test]
fn job_files_name_the_build() {
    let place = Workplace::new();
    for launcher in ["slurm", "k8s", "local"] {
        let plan = place.ok(&[
            "corpus",
            "plan",
            launcher,
            "--config",
            "c.toml",
            "--output",
            "out",
            "--workers",
            "3",
        ]);
        assert!(plan.contains("corpus") && plan.contains("c.toml"), "{plan}");
    }
}
