use serde_json::Value;

use crate::Workplace;

/// Cases of which the program is asked whether they agree.
const AGREE: &str = r#"{"id": 0, "labels": [0, 1, 1], "scores": [0.2, 0.1, 0.3], "roc_auc": 0.5}
{"id": 1, "kind": "normalise", "text": "The Kiwi.", "official": "kiwi", "evalai": "kiwi"}
"#;

#[test]
fn cases_that_agree_are_counted_and_one_that_differs_is_named() {
    let place = Workplace::new();
    place.write("agree.jsonl", AGREE.as_bytes());
    let told = place.ok(&["eval", "verify-metrics", "agree.jsonl"]);
    assert!(told.contains("agree.jsonl: 2 of 2 agree"), "{told}");
    let differs = AGREE.replace("\"official\": \"kiwi\"", "\"official\": \"the kiwi\"");
    place.write("differs.jsonl", differs.as_bytes());
    let output = place.run(&[
        "eval",
        "verify-metrics",
        "agree.jsonl",
        "differs.jsonl",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(reports[0]["agree"], 2);
    assert_eq!(reports[1]["first"]["field"], "official");
    assert_eq!(reports[1]["first"]["line"], 2);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("1 of 4 cases do not agree"), "{told}");
}

#[test]
fn captions_are_scored_and_ids_that_do_not_match_are_named() {
    let place = Workplace::new();
    let references = r#"{"annotations": [{"image_id": 3, "caption": "A goat."}, {"image_id": 5, "caption": "Grey geese."}]}"#;
    place.write("references.json", references.as_bytes());
    place.write(
        "captions.json",
        br#"[{"image_id": 3, "caption": "a goat"}, {"image_id": 5, "caption": "grey geese"}]"#,
    );
    place.write(
        "part.json",
        br#"[{"image_id": 3, "caption": "a goat"}, {"image_id": 6, "caption": "?"}]"#,
    );
    let score = |predictions: &'static str| {
        [
            "eval",
            "score",
            "--task",
            "coco",
            "--annotations",
            "references.json",
            "--predictions",
            predictions,
        ]
    };
    let told = place.ok(&[score("captions.json").as_slice(), &["--json"]].concat());
    let scored: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(scored["metrics"][0]["name"], "CIDEr");
    assert_eq!(scored["metrics"][0]["value"], 500.0);
    let told = place.refused(&score("part.json"));
    assert!(told.contains("without a prediction: 1 (5)"), "{told}");
    assert!(told.contains("unknown: 1 (6)"), "{told}");
    let told = place.ok(&[score("part.json").as_slice(), &["--partial"]].concat());
    assert!(told.contains("its scale is another"), "{told}");
}

#[test]
fn a_folder_without_a_benchmarks_files_is_told_what_is_missing() {
    let place = Workplace::new();
    let output = place.run(&["eval", "check-data", "okvqa", "--data", "."]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains("missing: mscoco_val2014_annotations.json"),
        "{told}"
    );
    let told = String::from_utf8(
        place
            .run(&["eval", "check-data", "gqa", "--data", "."])
            .stderr,
    )
    .unwrap();
    assert!(told.contains("no benchmark that is known"), "{told}");
}

#[test]
fn a_users_own_lines_are_checked_before_a_run() {
    let place = Workplace::new();
    let lines = r#"{"id": 1, "parts": [{"text": "1 + 1 ="}], "answers": ["2"]}
{"id": 2, "parts": [{"text": "1 + 2 ="}], "answer": 3}
{"id": 1, "parts": [{"text": "1 + 1 ="}]}
"#;
    place.write("questions.jsonl", lines.as_bytes());
    let check = ["eval", "check-data", "own", "--data", "questions.jsonl"];
    let output = place.run(&check);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains("queries (questions.jsonl): 1 of 3 can be used"),
        "{told}"
    );
    for reason in ["broken line: 1 (line 2: ", "id that came before: 1 (1)"] {
        assert!(told.contains(reason), "{told}");
    }
    place.write("questions.jsonl", lines.lines().next().unwrap().as_bytes());
    let told = place.ok(&check);
    assert!(told.starts_with("own in questions.jsonl: ready"), "{told}");
}
