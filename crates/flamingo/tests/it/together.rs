//! Trainings of several processes, started by MPI's launcher.
#![allow(clippy::print_stdout)]

use std::process::{Command, Output, Stdio};

use flamingo::image::Image;
use flamingo::train::Line;

use crate::Workplace;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/demo");

const RECIPE: &str = r#"
run = "RUN"
threads = 1
init = { vision = "MODEL", language = "MODEL" }

[model.flamingo]
resampler = { width = 16, latents = 2, layers = 1, heads = 2, head_dim = 8, ffw_multiple = 2, activation = "squared_relu", time_embeddings = 1, final_norm = true }
gated = { every = 2, first = 0, heads = 2, head_dim = 8, ffw_multiple = 2, activation = "squared_relu" }

[[data]]
name = "photos"
format = "folders"
path = "DATA"
batch = 5

[schedule]
steps = 6
rate = 1e-3

[log]
every = 1
"#;

/// A place with pictures, and recipes of the same training.
fn place() -> Workplace {
    let place = Workplace::new();
    for (number, name) in ["dax", "wug", "fep"].into_iter().enumerate() {
        for shot in 0..4 {
            let rgb = [80 * number as u8, 60 * shot, 90];
            let picture = Image::solid(16, 16, rgb).to_png();
            place.write(&format!("photos/{name}/{shot}.png"), &picture);
        }
    }
    for (file, run, data) in [
        ("a", "alone", "photos"),
        ("b", "both", "photos"),
        ("c", "both", "nowhere"),
    ] {
        let recipe = RECIPE
            .replace("RUN", run)
            .replace("MODEL", MODEL)
            .replace("DATA", data);
        place.write(&format!("{file}.toml"), recipe.as_bytes());
    }
    place
}

/// Two processes, each with its own recipe.
fn two(place: &Workplace, first: &str, second: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_flamingo");
    Command::new("mpirun")
        .args(["--oversubscribe", "--bind-to", "none"])
        .args([
            "-n", "1", program, "train", first, ":", "-n", "1", program, "train", second,
        ])
        .current_dir(place.path())
        .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Whether there is a launcher; if not, it is told that the test is not made.
fn can_launch() -> bool {
    let found = Command::new("mpirun").arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no mpirun");
    }
    found
}

fn lines(place: &Workplace, run: &str) -> Vec<Line> {
    let path = place.path().join(run).join("metrics.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn two_processes_make_the_updates_of_one() {
    if !can_launch() {
        return;
    }
    let place = place();
    assert!(place.run(&["train", "a.toml"]).status.success());
    let output = two(&place, "b.toml", "b.toml");
    let told = String::from_utf8_lossy(&output.stdout);
    let warned = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{warned}");
    assert_eq!(told.matches("6 steps in").count(), 1, "{told}");
    let (alone, both) = (lines(&place, "alone"), lines(&place, "both"));
    assert_eq!((alone.len(), both.len()), (6, 6));
    for (alone, both) in alone.iter().zip(&both) {
        let (a, b) = (alone.losses["photos"], both.losses["photos"]);
        assert!((a - b).abs() < 1e-3, "{a} {b}");
        assert!((alone.norm - both.norm).abs() < 1e-2 * alone.norm);
    }
    assert!(place.path().join("both/model/flamingo.json").is_file());
}

#[test]
fn a_process_that_fails_is_named_and_ends_the_others() {
    if !can_launch() {
        return;
    }
    let place = place();
    let output = two(&place, "b.toml", "c.toml");
    let warned = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        warned.contains("error: process 1 of 2: ") && warned.contains("nowhere"),
        "{warned}"
    );
}
