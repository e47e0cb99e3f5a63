//! Answers and scores of the embedded model: their form and their agreement, not their wit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Workplace;

const SHOT: &str = r#"{"parts":[{"image":"blue.png"},{"text":"Output: dax"},{"end":true}]}"#;

fn query(id: &str, image: &str) -> String {
    format!(r#"{{"id":"{id}","parts":[{{"image":"{image}"}},{{"text":"Output:"}}]}}"#)
}

#[test]
fn an_answer_is_streamed_and_ends_with_a_line_break() {
    let place = Workplace::new();
    let answer = place.ok(&[
        "ask",
        "--image",
        "red.png",
        "--text",
        "Output:",
        "--max-tokens",
        "3",
    ]);
    assert!(answer.ends_with('\n') && !answer.starts_with(' '));
}

#[test]
fn the_demo_model_has_a_name_whatever_folder_has_it_too() {
    let place = Workplace::new();
    place.write("demo/red.png", b"no model");
    let ask = "ask --image red.png --text Output: --max-tokens 3";
    let ask: Vec<&str> = ask.split(' ').collect();
    let named = place.ok(&[ask.as_slice(), &["--model", "demo"]].concat());
    assert_eq!(named, place.ok(&ask));
}

#[test]
fn json_tells_tokens_log_probabilities_and_timings() {
    let place = Workplace::new();
    let args = [
        "ask",
        "--image",
        "red.png",
        "--text",
        "Output:",
        "--max-tokens",
        "3",
        "--json",
    ];
    let answers = place.json_lines(&args);
    let tokens = answers[0]["tokens"].as_array().unwrap();
    assert!(!tokens.is_empty() && tokens.len() <= 3);
    assert!(
        tokens
            .iter()
            .all(|token| token["logprob"].as_f64().unwrap() <= 0.0)
    );
    assert!(answers[0]["timings"]["prefill"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_file_of_prompts_is_answered_in_its_order() {
    let place = Workplace::new();
    let lines = [
        query("one", "red.png"),
        query("two", "pictures/blue.png"),
        query("three", "red.png"),
    ];
    place.write("p.jsonl", lines.join("\n").as_bytes());
    let answers = place.json_lines(&["ask", "--prompt", "p.jsonl", "--max-tokens", "2"]);
    let ids: Vec<_> = answers
        .iter()
        .map(|answer| answer["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["one", "two", "three"]);
    assert_eq!(answers[0]["text"], answers[2]["text"]);
}

#[test]
fn pictures_of_a_file_are_found_beside_it() {
    let place = Workplace::new();
    place.write("pictures/p.jsonl", query("1", "blue.png").as_bytes());
    let answers = place.json_lines(&["ask", "--prompt", "pictures/p.jsonl", "--max-tokens", "2"]);
    assert_eq!(answers.len(), 1);
}

#[test]
fn a_data_url_is_a_picture_like_any_other() {
    let place = Workplace::new();
    let png = std::fs::read(place.path().join("red.png")).unwrap();
    let url = format!("data:image/png;base64,{}", STANDARD.encode(png));
    let ask = |image: &str| {
        place.ok(&[
            "ask",
            "--image",
            image,
            "--text",
            "Output:",
            "--max-tokens",
            "4",
        ])
    };
    assert_eq!(ask(&url), ask("red.png"));
}

#[test]
fn shots_from_a_file_are_those_written_out() {
    let place = Workplace::new();
    place.write("pictures/shots.jsonl", SHOT.as_bytes());
    let tail = [
        "--image",
        "red.png",
        "--text",
        "Output:",
        "--max-tokens",
        "4",
        "--json",
    ];
    let shots =
        place.json_lines(&[&["ask", "--shots", "pictures/shots.jsonl"], &tail[..]].concat());
    let parts = [
        "ask",
        "--image",
        "pictures/blue.png",
        "--text",
        "Output: dax",
        "--end",
    ];
    let written = place.json_lines(&[&parts[..], &tail[..]].concat());
    let alone = place.json_lines(&[&["ask"], &tail[..]].concat());
    assert_eq!(shots[0]["tokens"], written[0]["tokens"]);
    assert_eq!(shots[0]["prompt_tokens"], written[0]["prompt_tokens"]);
    assert_ne!(shots[0]["prompt_tokens"], alone[0]["prompt_tokens"]);
}

#[test]
fn candidates_are_scored_and_the_best_has_the_highest_sum() {
    let place = Workplace::new();
    place.write(
        "shots.jsonl",
        SHOT.replace("blue.png", "pictures/blue.png").as_bytes(),
    );
    let line = r#"{"id":"7","parts":[{"image":"red.png"},{"text":"Output:"}],"candidates":[" dax"," wug ball"]}"#;
    place.write("p.jsonl", [line, line].join("\n").as_bytes());
    let scores = place.json_lines(&["score", "--prompts", "p.jsonl", "--shots", "shots.jsonl"]);
    assert_eq!(scores.len(), 2);
    assert_eq!(scores[0], scores[1]);
    let sums: Vec<f64> = scores[0]["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["sum"].as_f64().unwrap())
        .collect();
    let best = scores[0]["best"].as_u64().unwrap() as usize;
    assert!(sums[best] >= sums[1 - best]);
    assert_eq!(scores[0]["answer"], scores[0]["candidates"][best]["text"]);
    let second = &scores[0]["candidates"][1];
    let mean = second["sum"].as_f64().unwrap() / second["tokens"].as_f64().unwrap();
    assert!((second["mean"].as_f64().unwrap() - mean).abs() < 1e-4);
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_flamingo"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
