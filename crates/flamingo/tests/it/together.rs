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

const CONTRASTIVE: &str = r#"
run = "RUN"
threads = 1
tokenizer = "MODEL/tokenizer.json"
tokens = { bos = "<BOS>", eos = "<EOS>", pad = "<PAD>", image = "<image>", end_of_chunk = "<EOC>" }
preprocess = { size = 16, fit = "squash", mean = [0.5, 0.5, 0.5], std = [0.27, 0.27, 0.27] }

[model.contrastive]
joint_width = 8
label_smoothing = 0.1

[model.contrastive.vision.nfnet]
image_size = 16
stem = [{ width = 8, kernel = 4, stride = 4 }]
stages = [{ width = 8, depth = 1, stride = 2 }]
block = "plain"
alpha = 0.5
skip_gain = 1.0
activation = "gelu"
output = "layer_norm"

[model.contrastive.text]
vocabulary = 2758
width = 8
layers = 1
heads = 2
ffw_multiple = 2
activation = "gelu"
positions = 16
norm = "last"

# Batches that two processes do not share evenly, one of them in parts.
[[data]]
name = "photos"
format = "folders"
path = "photos"
batch = 3
length = 9

[[data]]
name = "stream"
format = "shards"
path = "pairs.tar"
stream = { window = 1 }
batch = 7
micro_batch = 2
length = 9

[optimiser]
weight_decay = 0.0
clip = 0.0
adaptive_clip = 0.01
group = [{ parameters = "^text", clip = 10.0, adaptive_clip = 0.0 }]

[schedule]
steps = 6
rate = 1e-3

[log]
every = 1
"#;

/// A tar of pictures and what they say, some of them the same.
fn pairs() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for number in 0..20u8 {
        let picture = Image::solid(16, 16, [12 * number, 250 - 9 * number, 90]).to_png();
        let text = format!(
            "a picture of {}",
            ["red", "blue", "an apple"][number as usize % 3]
        );
        for (ending, bytes) in [("png", picture), ("txt", text.into_bytes())] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            let name = format!("{number:03}.{ending}");
            tar.append_data(&mut header, name, &bytes[..]).unwrap();
        }
    }
    tar.into_inner().unwrap()
}

#[test]
fn two_processes_tell_apart_the_pairs_of_one_batch_as_one_process_does() {
    if !can_launch() {
        return;
    }
    let place = place();
    place.write("pairs.tar", &pairs());
    for run in ["alone", "both"] {
        let recipe = CONTRASTIVE.replace("RUN", run).replace("MODEL", MODEL);
        place.write(&format!("{run}.toml"), recipe.as_bytes());
    }
    assert!(place.run(&["train", "alone.toml"]).status.success());
    let output = two(&place, "both.toml", "both.toml");
    assert!(output.status.success(), "{output:?}");
    let (alone, both) = (lines(&place, "alone"), lines(&place, "both"));
    assert_eq!((alone.len(), both.len()), (6, 6));
    for (alone, both) in alone.iter().zip(&both) {
        assert_eq!(alone.losses.len(), 2);
        for (source, a) in &alone.losses {
            let b = both.losses[source];
            assert!((a - b).abs() < 1e-4 * a, "{source}: {a} {b}");
        }
        assert_eq!(alone.accuracies, both.accuracies);
        assert!((alone.norm - both.norm).abs() < 1e-3 * alone.norm);
    }
    assert!(place.path().join("both/model/flamingo.json").is_file());
}

#[test]
fn processes_of_another_launcher_are_refused_with_the_feature_too() {
    let place = place();
    let output = Command::new(env!("CARGO_BIN_EXE_flamingo"))
        .args(["train", "b.toml"])
        .envs([("RANK", "1"), ("WORLD_SIZE", "2")])
        .current_dir(place.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("RANK is 1 and WORLD_SIZE 2") && told.contains("MPI has not joined them"),
        "{told}"
    );
    assert!(!place.path().join("both").exists());
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
