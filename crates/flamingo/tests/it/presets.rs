//! The recipes of models that have a name: each has a smoke run without any data, and says in its header what it takes.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Workplace;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The recipes that lie beside the folders of those for our own models.
fn presets() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("recipes")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    all.sort();
    all
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

#[test]
fn every_preset_is_trained_on_made_up_samples_by_a_small_model_of_its_form() {
    let presets = presets();
    assert_eq!(presets.len(), 7);
    for recipe in presets {
        let place = Workplace::new();
        let name = recipe.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&recipe).unwrap();
        let args = [
            "train",
            recipe.to_str().unwrap(),
            "--smoke",
            "--threads",
            "2",
        ];
        let output = place.run(&args);
        let told = String::from_utf8(output.stdout).unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{name}: {told}{log}");

        let run = place.path().join(format!("runs/{name}-smoke"));
        let sources: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
            .collect();
        assert!(sources.len() >= 2, "{name}");
        for source in &sources {
            let stand_in = format!("in place of `data.path of {source}`: 12 made-up");
            assert!(told.contains(&stand_in), "{name}: {told}");
        }
        // Every source is in every step, for their gradients are summed.
        let lines = lines(&run.join("metrics.jsonl"));
        assert_eq!(lines.len(), 4, "{name}");
        for line in &lines {
            for source in &sources {
                let loss = line["losses"][source].as_f64();
                assert!(loss.is_some_and(f64::is_finite), "{name}, {source}: {line}");
            }
        }
        assert!(
            run.join("checkpoints/step-4/state.json").is_file(),
            "{name}"
        );
        assert!(run.join("model/flamingo.json").is_file(), "{name}");
        let data: Value =
            serde_json::from_slice(&std::fs::read(run.join("data.json")).unwrap()).unwrap();
        for source in &sources {
            assert_eq!(data[source]["found"], 12, "{name}: {data}");
            assert_eq!(
                data[source]["left_out"],
                serde_json::json!({}),
                "{name}: {data}"
            );
        }
    }
}

#[test]
fn a_smoke_run_of_a_preset_takes_the_data_that_are_there() {
    let place = Workplace::new();
    let recipe = std::fs::read_to_string(root().join("recipes/flamingo-3b.toml")).unwrap();
    let films = "data/vtp/{00000..99999}.tar";
    assert!(recipe.contains(films));
    let recipe = recipe.replace(films, "films.jsonl").replace(
        "name = \"vtp\"\nformat = \"shards\"",
        "name = \"vtp\"\nformat = \"jsonl\"",
    );
    place.write("recipe.toml", recipe.as_bytes());
    place.write(
        "films.jsonl",
        br#"{"parts": [{"image": "red.png"}, {"text": " a red thing"}]}"#,
    );
    let told = String::from_utf8(place.run(&["train", "recipe.toml", "--smoke"]).stdout).unwrap();
    assert!(told.contains("data.path of m3w"), "{told}");
    assert!(!told.contains("data.path of vtp"), "{told}");
    assert!(told.contains("model: "), "{told}");
}

/// `cargo run -- describe ...` writes what the header wants, each line behind `# `.
#[test]
fn the_header_of_every_preset_says_what_the_program_says() {
    for recipe in presets() {
        let text = std::fs::read_to_string(&recipe).unwrap();
        let name = recipe.display();
        let header: Vec<&str> = text
            .lines()
            .take_while(|line| line.starts_with('#'))
            .map(|line| line.trim_start_matches('#').trim_start_matches(' '))
            .collect();
        let command = "flamingo describe ";
        let place = header.iter().position(|line| line.starts_with(command));
        let place = place.unwrap_or_else(|| panic!("{name} has no `{command}`"));
        let arguments = header[place].strip_prefix("flamingo ").unwrap().split(' ');
        let output = Command::new(env!("CARGO_BIN_EXE_flamingo"))
            .args(arguments)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
        let told = String::from_utf8(output.stdout).unwrap();
        let said = header[place + 2..].join("\n");
        assert_eq!(
            said.trim_end(),
            told.trim_end(),
            "{name}: {}",
            header[place]
        );
    }
}

#[test]
fn a_recipe_is_described_by_its_sources_and_processes_and_what_is_wrong_is_said() {
    let place = Workplace::new();
    let recipe = root().join("recipes/openflamingo-3b.toml");
    let recipe = recipe.to_str().unwrap();
    let described = |processes: &str| -> Value {
        let args = [
            "describe",
            recipe,
            "--json",
            "--processes",
            processes,
            "--flops",
            "1e12",
        ];
        serde_json::from_str(&place.ok(&args)).unwrap()
    };
    let (one, eight) = (described("1"), described("8"));
    assert_eq!(one["preset"], "openflamingo-3b");
    assert_eq!(one["trained"], 1_046_992_944_u64);
    assert_eq!(
        [&one["sources"][0]["rows"], &eight["sources"][0]["rows"]],
        [128, 16]
    );
    // The whole batch's pictures wait in one process.
    let waiting = |of: &Value| of["waiting"].as_f64().unwrap();
    assert_eq!(waiting(&one), 8.0 * waiting(&eight));
    let seconds = |of: &Value| of["seconds_a_step"].as_f64().unwrap();
    assert!((seconds(&one) / seconds(&eight) - 8.0).abs() < 1e-9);
    // Of 128 rows each of 65 processes has two at most (of 256 four), as each of 64.
    let (uneven, even) = (described("65"), described("64"));
    assert_eq!(uneven["operations"], one["operations"]);
    assert_eq!(seconds(&uneven), seconds(&even));
    let told = place.refused(&["describe", recipe, "--processes", "0"]);
    assert!(told.contains("--processes is 0"), "{told}");
    let told = place.refused(&["describe", recipe, "--flops", "0"]);
    assert!(told.contains("--flops must be above 0"), "{told}");
}
