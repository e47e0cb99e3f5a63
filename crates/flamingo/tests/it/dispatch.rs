//! The same answers with every set of instructions that this processor has. `FLAMINGO_PROGRAM` names another build of
//! the program to try, such as that of a release.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// How far a probability may be from that of other instructions: sums are rounded differently.
const TOLERANCE: f64 = 1e-4;

fn run(instructions: Option<&str>, args: &[&str]) -> Output {
    let program = std::env::var_os("FLAMINGO_PROGRAM")
        .unwrap_or_else(|| OsString::from(env!("CARGO_BIN_EXE_flamingo")));
    let mut command = Command::new(program);
    command.env_remove("FLAMINGO_CPU");
    if let Some(name) = instructions {
        command.env("FLAMINGO_CPU", name);
    }
    command
        .args(args)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The one JSON value that a run prints.
fn json(instructions: &str, args: &[&str]) -> Value {
    let output = run(Some(instructions), args);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{instructions}: {told}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn doctor(instructions: Option<&str>) -> Value {
    let output = run(instructions, &["doctor", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["processor"]["kernels"].clone()
}

/// Names of the sets that this processor has, the best first.
fn available() -> Vec<String> {
    serde_json::from_value(doctor(None)["available"].clone()).unwrap()
}

/// The texts of a list and their probabilities, from the logarithms under `key`.
fn texts_and_probabilities(list: &Value, key: &str) -> Vec<(String, f64)> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|entry| {
            let text = entry["text"].as_str().unwrap().to_owned();
            (text, entry[key].as_f64().unwrap().exp())
        })
        .collect()
}

fn assert_close(set: &str, found: &[(String, f64)], expected: &[(String, f64)]) {
    let texts = |list: &[(String, f64)]| -> Vec<String> {
        list.iter().map(|(text, _)| text.clone()).collect()
    };
    assert!(!expected.is_empty(), "{set}: nothing to compare");
    assert_eq!(texts(found), texts(expected), "{set}");
    for ((text, found), (_, expected)) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < TOLERANCE,
            "{set}: {text:?} has probability {found}, not {expected}"
        );
    }
}

#[test]
fn the_doctor_tells_which_instructions_are_used() {
    let best = doctor(None);
    assert_eq!(best["used"], best["available"][0]);
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        assert!(available().contains(&"avx2".to_owned()));
    }
    for set in available() {
        assert_eq!(doctor(Some(&set))["used"], set.as_str());
    }
}

#[test]
fn candidates_are_as_likely_with_any_instructions() {
    let args = [
        "score",
        "--shots",
        "examples/shots.jsonl",
        "--prompts",
        "examples/candidates.jsonl",
    ];
    let scores = |set: &str| {
        let scores = json(set, &args);
        (
            scores["answer"].clone(),
            texts_and_probabilities(&scores["candidates"], "sum"),
        )
    };
    let (answer, expected) = scores("portable");
    for set in available() {
        let (here, found) = scores(&set);
        assert_eq!(here, answer, "{set}");
        assert_close(&set, &found, &expected);
    }
}

#[test]
fn an_answer_is_the_same_with_any_instructions() {
    let args = [
        "ask",
        "--shots",
        "examples/shots.jsonl",
        "--prompt",
        "examples/query.json",
        "--json",
    ];
    let answer = |set: &str| {
        let answer = json(set, &args);
        (
            answer["text"].clone(),
            texts_and_probabilities(&answer["tokens"], "logprob"),
        )
    };
    let (text, expected) = answer("portable");
    for set in available() {
        let (here, found) = answer(&set);
        assert_eq!(here, text, "{set}");
        assert_close(&set, &found, &expected);
    }
}

#[test]
fn a_quantised_model_answers_the_same_with_any_instructions() {
    let args = [
        "ask",
        "--shots",
        "examples/shots.jsonl",
        "--prompt",
        "examples/query.json",
        "--dtype",
        "q8_0",
        "--json",
    ];
    let expected = json("portable", &args)["text"].clone();
    for set in available() {
        assert_eq!(json(&set, &args)["text"], expected, "{set}");
    }
}

#[test]
fn unknown_instructions_are_refused_with_those_to_use() {
    let output = run(Some("sse9"), &["describe"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(output.stdout.is_empty());
    assert!(
        told.starts_with("error: FLAMINGO_CPU=sse9: unknown instructions `sse9`"),
        "{told}"
    );
    assert!(
        told.contains("portable") && told.contains("hint: "),
        "{told}"
    );
}
