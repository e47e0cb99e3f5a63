//! A table of small trainings: rows that differ from a recipe, gone on with where they were stopped.

use std::fs;

use flamingo::image::Image;

use crate::Workplace;

const RECIPE: &str = r#"
run = "never"

[init]
vision = "base"
language = "base"

[model.flamingo.resampler]
width = 16
latents = 2
layers = 1
heads = 2
head_dim = 8
ffw_multiple = 2
activation = "squared_relu"
time_embeddings = 2
final_norm = true

[model.flamingo.gated]
every = 2
heads = 2
head_dim = 8
ffw_multiple = 1
activation = "squared_relu"

[[data]]
name = "pairs"
format = "folders"
path = "classes"
batch = 2

[schedule]
steps = 2
rate = 1e-3
"#;

const TABLE: &str = r#"
recipe = "recipe.toml"
folder = "runs"
seeds = [1, 2]
queries = 1

[[row]]
name = "the model"
paper = 70.7

[[row]]
name = "no tanh gate"
paper = 66.5
set = { "model.flamingo.gated.gate" = "open" }
"#;

#[test]
fn rows_are_trained_judged_and_written_and_what_is_there_is_not_made_again() {
    let place = Workplace::new();
    for (name, colour) in [("blue", [20, 20, 250]), ("white", [240, 240, 240])] {
        let picture = Image::solid(9, 7, colour).to_png();
        place.write(&format!("classes/{name}/1.png"), &picture);
    }
    place.write("recipe.toml", RECIPE.as_bytes());
    place.write("table.toml", TABLE.as_bytes());
    place.ok(&["weights", "convert", "demo", "--out", "base"]);
    let ablate = [
        "ablate",
        "table.toml",
        "--out",
        "table.md",
        "--threads",
        "2",
    ];
    let shown = place.ok(&ablate);
    for part in [
        "| the model |",
        "| no tanh gate |",
        "| 66.5 | -4.2 |",
        "written to table.md",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let page = fs::read_to_string(place.path().join("table.md")).unwrap();
    assert!(
        page.starts_with("# Ablations") && page.contains("± "),
        "{page}"
    );
    let run = |row: &str, seed: u8| place.path().join(format!("runs/{row}/seed-{seed}"));
    for (row, seed) in [("the-model", 1), ("the-model", 2), ("no-tanh-gate", 1)] {
        assert!(
            run(row, seed).join("model/flamingo.json").is_file(),
            "{row}"
        );
    }
    // What was judged is taken as it is; what is missing is made.
    let score = run("the-model", 1).join("score.json");
    fs::write(
        &score,
        r#"{"names": 100.0, "captions": 100.0, "questions": 100.0, "films": 100.0}"#,
    )
    .unwrap();
    fs::remove_dir_all(run("no-tanh-gate", 2)).unwrap();
    let again = place.ok(&ablate);
    assert!(
        again.contains("| the model | ") && again != shown,
        "{again}"
    );
    assert!(run("no-tanh-gate", 2).join("score.json").is_file());
    // One row beside the first.
    let one = place.ok(&[&ablate[..], &["--rows", "no tanh gate"]].concat());
    assert!(one.contains("| no tanh gate |"), "{one}");
    let unknown = place.run(&[&ablate[..], &["--rows", "grafting"]].concat());
    let told = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        told.contains("no row \"grafting\"") && told.contains("no tanh gate"),
        "{told}"
    );
}
