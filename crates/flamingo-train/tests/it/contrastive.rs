//! Contrastive trainings whose batch is worked on in parts, by several processes, or read as a stream.

use std::fs;

use flamingo_data::Augment;
use flamingo_train::{Group, ModelSpec, Recipe, Resume, StreamSpec, Texts};
use serde_json::{Value, json};

use crate::flamingo::contrastive_text;
use crate::together::{agree, refused_by_one_of, run_on, state};
use crate::world::{World, losses, resumed_equals_uninterrupted, run};

/// A normaliser-free image tower against a BERT, over pairs whose texts are of several lengths; changes of the pictures.
fn towers(world: &World) -> Recipe {
    let mut pairs = String::new();
    for (name, text) in [
        ("ape", "ape"),
        ("bee", "a bee"),
        ("cow", "cow on a hill"),
        ("dog", "dog"),
        ("elk", "elks"),
    ] {
        for k in 0..3 {
            let pair = json!({"parts": [{"image": format!("{name}{k}.png")}, {"text": text}]});
            pairs += &(pair.to_string() + "\n");
        }
    }
    fs::write(world.path("texts.jsonl"), pairs).unwrap();
    let text = contrastive_text();
    let line = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key));
        line.unwrap().to_owned()
    };
    let nfnet = r#"vision = { nfnet = { image_size = 8, stem = [{ width = 6, kernel = 3, stride = 2 }], stages = [{ width = 10, depth = 1, stride = 2 }], block = "plain", alpha = 0.5, skip_gain = 0.7, activation = "gelu", output = "layer_norm" } }"#;
    let bert = line("text =")
        .replace("layers = 0", "layers = 1")
        .replace("heads = 1", "heads = 2")
        .replace(
            "positions = 0",
            "positions = 14, norm = \"last\", pool = \"class_token\"",
        );
    let text = text
        .replace(&line("vision ="), nfnet)
        .replace(&line("text ="), &bert)
        .replace("DIR/pairs.jsonl", "DIR/texts.jsonl")
        .replace("about = '^([a-z]+)$'", "")
        .replace("texts = \"all\"", "length = 13");
    let mut recipe = world.recipe(&text);
    recipe.data[0].augment = Augment {
        flip: 0.5,
        colour: 0.2,
    };
    recipe.optimiser.epsilon = 1e-3;
    recipe.schedule.steps = 2;
    recipe
}

/// The same as a stream of files of four lines.
fn streamed(world: &World) -> Recipe {
    let mut recipe = towers(world);
    let text = fs::read_to_string(world.path("texts.jsonl")).unwrap();
    let text = text.replace("{\"image\":\"", "{\"image\":\"../");
    let folder = world.path("parts");
    fs::create_dir_all(&folder).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (number, lines) in lines.chunks(4).enumerate() {
        fs::write(folder.join(format!("{number:03}.jsonl")), lines.join("\n")).unwrap();
    }
    let data = &mut recipe.data[0];
    data.path = folder;
    data.batch = 7;
    data.stream = Some(StreamSpec { window: 2 });
    recipe
}

/// What the optimiser has of the gradients of one step, and the step's loss.
fn gradients(world: &World, recipe: &Recipe, run_as: &str) -> (Vec<(String, Vec<f32>)>, f64) {
    let mut recipe = recipe.clone();
    recipe.run = world.path(run_as);
    recipe.schedule.steps = 1;
    run(&recipe, Resume::Fresh, None).unwrap();
    let loss: Value = serde_json::from_str(&losses(&recipe.run)[0].1).unwrap();
    let all = state(&recipe);
    let means = all
        .into_iter()
        .filter(|(name, _)| name.starts_with("mean."));
    (means.collect(), loss["pairs"].as_f64().unwrap())
}

#[test]
fn a_batch_in_parts_has_the_loss_and_all_gradients_of_the_whole() {
    let world = World::new();
    for (kind, texts) in [("own", Texts::Batch), ("all", Texts::All)] {
        let mut recipe = towers(&world);
        recipe.data[0].texts = texts;
        let (whole, loss) = gradients(&world, &recipe, &format!("{kind}-whole"));
        let names = [
            "logit_scale",
            "vision.nfnet.stem.0.gain",
            "text.ln_pre.bias",
        ];
        for name in names.map(|name| format!("mean.{name}")) {
            let (_, values) = whole.iter().find(|(found, _)| *found == name).unwrap();
            assert!(values.iter().any(|v| v.abs() > 1e-7), "{name}");
        }
        for at_once in [1, 2, 3, 4] {
            recipe.data[0].micro_batch = Some(at_once);
            let run_as = format!("{kind}-{at_once}");
            let (parts, of_parts) = gradients(&world, &recipe, &run_as);
            assert!((loss - of_parts).abs() < 1e-5, "{loss} {of_parts}");
            assert_eq!(parts.len(), whole.len());
            for ((name, a), (same, b)) in parts.iter().zip(&whole) {
                assert_eq!(name, same);
                let largest = b.iter().fold(0f32, |most, b| most.max(b.abs()));
                for (a, b) in a.iter().zip(b) {
                    assert!(
                        (a - b).abs() < 1e-7 + 1e-4 * largest,
                        "{run_as} {name}: {a} {b}"
                    );
                }
            }
        }
    }
}

#[test]
fn accuracy_and_targets_of_a_batch_in_parts_are_those_of_the_whole() {
    let world = World::new();
    let mut recipe = towers(&world);
    let line = |recipe: &Recipe| -> Value {
        run(recipe, Resume::Fresh, None).unwrap();
        let text = fs::read_to_string(recipe.run.join("metrics.jsonl")).unwrap();
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    };
    let whole = line(&recipe);
    recipe.run = world.path("parts");
    recipe.data[0].micro_batch = Some(2);
    let parts = line(&recipe);
    assert!(whole["accuracies"]["pairs"].is_number());
    assert_eq!(parts["accuracies"], whole["accuracies"]);
}

#[test]
fn several_processes_tell_all_pairs_of_a_batch_apart_as_one_does() {
    let world = World::new();
    let mut all = towers(&world);
    all.data[0].texts = Texts::All;
    let mut stream = streamed(&world);
    stream.data[0].micro_batch = Some(2);
    for (kind, recipe) in [("own", towers(&world)), ("all", all), ("stream", stream)] {
        let mut alone = recipe.clone();
        alone.run = world.path(&format!("{kind}-alone"));
        alone.data[0].micro_batch = None;
        run(&alone, Resume::Fresh, None).unwrap();
        for processes in [2, 3] {
            let mut recipe = recipe.clone();
            recipe.run = world.path(&format!("{kind}-{processes}"));
            run_on(&recipe, processes, Resume::Fresh, None);
            agree(&recipe, &alone);
            let line = |recipe: &Recipe| -> f64 {
                let line = &losses(&recipe.run)[0].1;
                let line: Value = serde_json::from_str(line).unwrap();
                line["pairs"].as_f64().unwrap()
            };
            assert!((line(&recipe) - line(&alone)).abs() < 1e-4);
        }
    }
}

#[test]
fn fewer_pairs_than_processes_are_refused_with_both_numbers() {
    let world = World::new();
    let mut recipe = towers(&world);
    recipe.data[0].batch = 2;
    let told = refused_by_one_of(3, &recipe);
    assert!(
        told.contains("batch is 2, fewer pairs than the 3 processes"),
        "{told}"
    );
}

#[test]
fn a_resumed_run_of_a_stream_in_parts_equals_an_uninterrupted_one_bit_for_bit() {
    let world = World::new();
    let mut recipe = streamed(&world);
    recipe.data[0].micro_batch = Some(3);
    recipe.schedule.steps = 6;
    resumed_equals_uninterrupted(&recipe, 3);
}

#[test]
fn pictures_of_a_stream_find_their_captions_though_batches_say_the_same_several_times() {
    let world = World::new();
    let mut recipe = streamed(&world);
    recipe.data[0].augment = Augment::default();
    recipe.optimiser.epsilon = 1e-8;
    recipe.schedule.steps = 150;
    let summary = run(&recipe, Resume::Fresh, None).unwrap();
    // By chance it is the logarithm of the texts that are told apart, about 1.6.
    assert!(summary.losses["pairs"] < 0.8, "{:?}", summary.losses);
}

#[test]
fn what_is_no_pair_in_a_stream_is_counted_and_another_takes_its_place() {
    let world = World::new();
    let recipe = streamed(&world);
    let path = world.path("parts/000.jsonl");
    let mut lines = fs::read_to_string(&path).unwrap();
    lines += "\n{\"parts\": [{\"text\": \"no picture\"}]}\n{\"parts\": [{\"image\": \"../ape0.png\"}, {\"text\": \" \"}]}";
    fs::write(&path, lines).unwrap();
    fs::write(world.path("bee1.png"), "no picture").unwrap();
    let mut recipe = recipe.clone();
    recipe.schedule.steps = 6;
    run(&recipe, Resume::Fresh, None).unwrap();
    let report: Value =
        serde_json::from_slice(&fs::read(recipe.run.join("data.json")).unwrap()).unwrap();
    let left_out = &report["pairs"]["left_out"];
    assert_eq!(left_out["not a picture with a caption"], 2, "{report}");
    assert_eq!(left_out["broken picture or film"], 1, "{report}");
}

#[test]
fn what_needs_all_pairs_in_memory_is_refused_of_a_stream() {
    let world = World::new();
    let told = |change: &dyn Fn(&mut Recipe)| {
        let mut recipe = streamed(&world);
        change(&mut recipe);
        let error = Recipe::from_toml(&recipe.to_toml(), "a.toml").unwrap_err();
        error.to_string()
    };
    let all = told(&|recipe| recipe.data[0].texts = Texts::All);
    assert!(
        all.contains("`texts = \"all\"` needs the whole source"),
        "{all}"
    );
    let about = told(&|recipe| recipe.data[0].about = Some("(x)".into()));
    assert!(about.contains("`about` needs the whole source"), "{about}");
}

#[test]
fn towers_are_trained_with_clipping_of_their_own() {
    let world = World::new();
    let mut recipe = towers(&world);
    recipe.optimiser.clip = 0.0;
    recipe.optimiser.adaptive_clip = 0.01;
    recipe.optimiser.group = vec![Group {
        parameters: "^text".into(),
        clip: Some(10.0),
        adaptive_clip: Some(0.0),
        ..Group::default()
    }];
    let again = Recipe::from_toml(&recipe.to_toml(), "a.toml").unwrap();
    assert_eq!(again, recipe);
    let (free, _) = gradients(&world, &towers(&world), "free");
    let (clipped, _) = gradients(&world, &recipe, "clipped");
    let length = |all: &[(String, Vec<f32>)], name: &str| {
        let (_, values) = all.iter().find(|(found, _)| found.ends_with(name)).unwrap();
        values.iter().map(|v| v * v).sum::<f32>().sqrt()
    };
    let [before, after] = [&free, &clipped].map(|all| length(all, "conv1.weight"));
    assert!(after < before, "{after} {before}");
    recipe.model = match recipe.model {
        ModelSpec::Contrastive(mut config) => {
            config.config.text.layers = 0;
            ModelSpec::Contrastive(config)
        }
        other => other,
    };
    recipe.run = world.path("impossible");
    let told = run(&recipe, Resume::Fresh, None).unwrap_err().to_string();
    assert!(told.contains("text.layers is 0"), "{told}");
}

#[test]
fn only_a_model_with_a_bert_needs_a_program_that_knows_of_it() {
    let world = World::new();
    let mut recipe = towers(&world);
    let mut written = |change: &dyn Fn(&mut Recipe), run_as: &str| {
        change(&mut recipe);
        recipe.run = world.path(run_as);
        run(&recipe, Resume::Fresh, None).unwrap();
        let file = fs::read_to_string(recipe.run.join("model/flamingo.json")).unwrap();
        let file: Value = serde_json::from_str(&file).unwrap();
        (
            file["version"].clone(),
            file["model"]["contrastive"]["text"].clone(),
        )
    };
    let (version, text) = written(&|_| (), "bert");
    assert_eq!(version, 5);
    assert_eq!(
        (&text["norm"], &text["pool"]),
        (&json!("last"), &json!("class_token"))
    );
    let plain = |recipe: &mut Recipe| {
        if let ModelSpec::Contrastive(config) = &mut recipe.model {
            (config.config.text.norm, config.config.text.pool) = Default::default();
        }
    };
    let (version, text) = written(&plain, "plain");
    assert_eq!(version, 2);
    assert!(
        text.get("norm").is_none() && text.get("pool").is_none(),
        "{text}"
    );
}
