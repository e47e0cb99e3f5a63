//! Sources that are read while the training goes, and batches that are worked on in parts.

use std::fs;

use flamingo_data::Augment;
use flamingo_train::{Recipe, Resume, StreamSpec};
use serde_json::{Value, json};

use crate::flamingo::{flamingo, tensors, with_parts};
use crate::world::{World, losses, resumed_equals_uninterrupted, run};

/// The world's pairs and films in files of their own, three lines each, read as a stream.
pub(crate) fn streamed(world: &World) -> Recipe {
    let folder = world.path("parts");
    fs::create_dir(&folder).unwrap();
    let text = fs::read_to_string(world.path("pairs.jsonl")).unwrap();
    let film = json!({"parts": [{"video": "../film"}, {"text": "ape"}]}).to_string();
    let text = text.replace("{\"image\":\"", "{\"image\":\"../") + &film;
    let lines: Vec<&str> = text.lines().collect();
    for (number, lines) in lines.chunks(3).enumerate() {
        fs::write(folder.join(format!("{number:03}.jsonl")), lines.join("\n")).unwrap();
    }
    let mut recipe = flamingo(world);
    recipe.data.retain(|data| data.name == "pairs");
    let data = &mut recipe.data[0];
    data.path = folder.join("{000..005}.jsonl");
    data.batch = 5;
    data.stream = Some(StreamSpec { window: 2 });
    recipe
}

fn report(recipe: &Recipe) -> Value {
    serde_json::from_slice(&fs::read(recipe.run.join("data.json")).unwrap()).unwrap()
}

#[test]
fn a_resumed_run_of_a_stream_equals_an_uninterrupted_one_bit_for_bit() {
    let world = with_parts();
    let mut recipe = streamed(&world);
    recipe.data[0].augment = Augment {
        flip: 0.5,
        colour: 0.1,
    };
    recipe.data[0].micro_batch = Some(2);
    resumed_equals_uninterrupted(&recipe, 3);
    assert_eq!(report(&recipe)["pairs"]["found"], 16);
}

#[test]
fn a_batch_in_parts_has_the_loss_and_the_gradients_of_the_whole() {
    let world = with_parts();
    let mut recipe = streamed(&world);
    recipe.schedule.steps = 1;
    let mut found = Vec::new();
    for (name, micro_batch) in [("whole", None), ("parts", Some(2)), ("rows", Some(1))] {
        recipe.run = world.path(name);
        recipe.data[0].micro_batch = micro_batch;
        run(&recipe, Resume::Fresh, None).unwrap();
        let state = recipe.run.join("checkpoints/step-1/optimiser.safetensors");
        let state = flamingo_weights::Tensors::open(&[state]).unwrap();
        let mut names: Vec<&str> = state.names().collect();
        names.sort_unstable();
        let values = names.iter().flat_map(|name| state.values(name).unwrap());
        found.push((losses(&recipe.run), values.collect::<Vec<f32>>()));
    }
    let loss = |lines: &[(u64, String)]| -> f64 {
        let losses: Value = serde_json::from_str(&lines[0].1).unwrap();
        losses["pairs"].as_f64().unwrap()
    };
    let (whole, moved) = &found[0];
    assert!(moved.iter().any(|v| v.abs() > 1e-6));
    for (lines, values) in &found[1..] {
        assert!(
            (loss(lines) - loss(whole)).abs() < 1e-5,
            "{lines:?} {whole:?}"
        );
        for (a, b) in values.iter().zip(moved) {
            assert!((a - b).abs() < 1e-6 + 1e-3 * b.abs(), "{a} {b}");
        }
    }
}

#[test]
fn broken_pictures_of_a_stream_are_counted_and_others_take_their_place() {
    let world = with_parts();
    let recipe = streamed(&world);
    for name in ["ape0", "bee1", "cow2"] {
        fs::write(world.path(&format!("{name}.png")), "no picture").unwrap();
    }
    fs::remove_file(world.path("dog0.png")).unwrap();
    fs::write(world.path("parts/003.jsonl"), "{\"parts\": 1}\n{}\n\n[]").unwrap();
    run(&recipe, Resume::Fresh, None).unwrap();
    let report = report(&recipe);
    let left_out = &report["pairs"]["left_out"];
    assert_eq!(left_out["bad document"], 3);
    assert_eq!(left_out["broken picture or film"], 3);
    fs::remove_file(world.path("parts/001.jsonl")).unwrap();
    let mut again = recipe.clone();
    again.run = world.path("again");
    let told = run(&again, Resume::Fresh, None).unwrap_err().to_string();
    assert!(
        told.contains("1 of the 6") && told.contains("001.jsonl"),
        "{told}"
    );
}

#[test]
fn features_on_disk_are_those_that_are_computed() {
    let world = with_parts();
    let mut recipe = streamed(&world);
    run(&recipe, Resume::Fresh, None).unwrap();
    let (losses_before, before) = (losses(&recipe.run), tensors(recipe.run.join("model")));
    recipe.cache.features = Some(world.path("features"));
    for name in ["fills", "reads"] {
        recipe.run = world.path(name);
        run(&recipe, Resume::Fresh, None).unwrap();
        assert_eq!(losses(&recipe.run), losses_before, "{name}");
        let after = tensors(recipe.run.join("model"));
        for name in before.names() {
            assert_eq!(
                after.values(name).unwrap(),
                before.values(name).unwrap(),
                "{name}"
            );
        }
        assert_eq!(fs::read_dir(world.path("features")).unwrap().count(), 16);
    }
}

#[test]
fn what_a_stream_cannot_do_is_refused() {
    let world = World::new();
    let told = |change: &dyn Fn(&mut Recipe)| {
        let mut recipe = flamingo(&world);
        recipe.data[0].stream = Some(StreamSpec::default());
        change(&mut recipe);
        let error = Recipe::from_toml(&recipe.to_toml(), "a.toml").unwrap_err();
        error.to_string()
    };
    let only = told(&|recipe| recipe.data[0].only = Some("x".into()));
    assert!(
        only.contains("`only` needs the whole source in memory"),
        "{only}"
    );
    let window = told(&|recipe| recipe.data[0].stream = Some(StreamSpec { window: 0 }));
    assert!(window.contains("window is 0"), "{window}");
    let pages = told(&|recipe| recipe.data[1].stream = Some(StreamSpec::default()));
    assert!(pages.contains("only shards, jsonl and parquet"), "{pages}");
    let augment = told(&|recipe| {
        recipe.cache.features = Some("features".into());
        recipe.data[0].augment.flip = 0.5;
    });
    assert!(augment.contains("cache.features"), "{augment}");
    let micro = told(&|recipe| recipe.data[0].micro_batch = Some(0));
    assert!(micro.contains("micro_batch is 0"), "{micro}");
}
