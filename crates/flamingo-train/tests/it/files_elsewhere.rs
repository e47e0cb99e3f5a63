//! A Flamingo trained between parts that it names and does not hold.

use std::path::Path;

use flamingo_train::{Likeness, ModelSpec, NewTokensSpec, Recipe, Resume};
use flamingo_weights::{
    ContentHash, Fetcher, HubOptions, ModelFile, Registry, Source, Store, Tensors, load_part,
};

use crate::tiny_parts;
use crate::world::{World, resumed_equals_uninterrupted, run};

const RECIPE: &str = r#"
run = "DIR/RUN"
seed = 7
threads = 2

[init]
lm = LM
vision = VISION

[model.flamingo]
project_media = false

SMALL_FLAMINGO

[[data]]
name = "pairs"
format = "jsonl"
form = "pair"
path = "DIR/pairs.jsonl"
batch = 3

[schedule]
steps = 4
rate = 1e-2
"#;

/// A world with `language.gguf` and `vision.safetensors`, and a cache with both.
fn world() -> World {
    let world = World::new();
    tiny_parts::file().write(&world.path("language.gguf"));
    tiny_parts::write_tower(&world.path("vision.safetensors"));
    let fetcher = Fetcher {
        store: Store::new(world.path("cache")),
        from: vec![world.path("")],
        hub: HubOptions {
            offline: true,
            ..HubOptions::from_vars(|_| None)
        },
        registry: Registry::at(Path::new("no pip")),
        command: String::new(),
    };
    let recipe = recipe(&world, "any", true);
    let init = recipe.init.unwrap();
    for part in [init.vision, init.language] {
        let flamingo_train::InitPart::File(part) = part else {
            panic!("{part:?}");
        };
        fetcher.fetch(&part, &mut ()).unwrap();
    }
    world
}

/// A recipe over parts that are named by hash, or by path.
fn recipe(world: &World, run: &str, by_hash: bool) -> Recipe {
    let part = |name: &str| {
        let path = world.path(name);
        let bytes = std::fs::metadata(&path).unwrap().len();
        let sha256 = ContentHash::of_file(&path).unwrap();
        match by_hash {
            true => format!(
                "{{ file = \"{name}\", sha256 = \"{sha256}\", bytes = {bytes}, licence = \"MIT\", \
                 from = [{{ hub = {{ id = \"a/b\", revision = \"main\", file = \"c\" }} }}] }}"
            ),
            false => format!("\"DIR/{name}\""),
        }
    };
    let text = RECIPE
        .replace("RUN", run)
        .replace("LM", &part("language.gguf"))
        .replace("VISION", &part("vision.safetensors"));
    let mut recipe = world.recipe(&text);
    let ModelSpec::Flamingo(spec) = &mut recipe.model else {
        unreachable!();
    };
    spec.resampler.width = 64;
    recipe
}

fn finished(world: &World, run: &str) -> (ModelFile, Tensors) {
    let source = Source::WithParts(
        world.path(&format!("{run}/model")),
        Store::new(world.path("cache")),
    );
    let (file, _, tensors) = load_part(&source).unwrap();
    (file, tensors)
}

#[test]
fn a_model_that_names_its_parts_is_the_one_that_holds_them() {
    let world = world();
    run(&recipe(&world, "whole", false), Resume::Fresh, None).unwrap();
    run(&recipe(&world, "apart", true), Resume::Fresh, None).unwrap();
    let (whole, all) = finished(&world, "whole");
    let (apart, put_together) = finished(&world, "apart");
    assert_eq!((whole.version, apart.version), (2, 5));
    assert_eq!(whole.model, apart.model);
    assert!(all.names().eq(put_together.names()));
    for name in all.names() {
        let (a, b) = (
            all.values(name).unwrap(),
            put_together.values(name).unwrap(),
        );
        assert_eq!(a, b, "{name}");
    }
    let held = Tensors::open(&[world.path("apart/model/model.safetensors")]).unwrap();
    let frozen: Vec<&str> = held
        .names()
        .filter(|name| name.starts_with("vision.") || name.starts_with("language."))
        .collect();
    assert_eq!(frozen, ["language.embed.weight.rows.30"]);
}

#[test]
fn a_resumed_run_over_files_elsewhere_equals_an_uninterrupted_one() {
    let world = world();
    resumed_equals_uninterrupted(&recipe(&world, "run", true), 2);
}

#[test]
fn what_would_change_a_file_elsewhere_and_one_that_is_not_here_are_refused() {
    let world = world();
    let mut scaled = recipe(&world, "scaled", true);
    scaled.initial.scale = vec![flamingo_train::ScaleSpec {
        parameters: "embed".into(),
        by: 2.0,
    }];
    let told = run(&scaled, Resume::Fresh, None).unwrap_err().to_string();
    assert!(told.contains("changes language.embed.weight"), "{told}");
    std::fs::remove_dir_all(world.path("cache")).unwrap();
    let missing = recipe(&world, "missing", true);
    let told = run(&missing, Resume::Fresh, None).unwrap_err().to_string();
    assert!(
        told.contains("vision.safetensors") && told.contains("flamingo fetch"),
        "{told}"
    );
}

#[test]
fn frozen_new_tokens_stay_what_they_are_like_and_open_every_sequence() {
    let world = world();
    let mut recipe = recipe(&world, "frozen", true);
    let like = |text: &str, times| {
        Some(Likeness {
            like: text.into(),
            times,
        })
    };
    let tokens = NewTokensSpec {
        bos: Some("<1>".into()),
        image: like("a", 1.0),
        end_of_chunk: like("bc", 1.5),
        frozen: true,
    };
    recipe.init.as_mut().unwrap().tokens = tokens.clone();
    run(&recipe, Resume::Fresh, None).unwrap();
    let (file, tensors) = finished(&world, "frozen");
    assert_eq!(file.tokens.bos.as_deref(), Some("<1>"));
    let source = Source::WithParts(world.path("frozen/model"), Store::new(world.path("cache")));
    let tokenizer = load_part(&source).unwrap().1;
    let table = tensors.values("language.embed.weight").unwrap();
    let width = tensors.shape("language.embed.weight").unwrap()[1];
    let row = |id: u32| &table[id as usize * width..][..width];
    let id = |text: &str| tokenizer.encode(text).unwrap()[0];
    let specials = tokenizer.specials();
    let close = |a: f32, b: f32| assert!((a - b).abs() < 0.01 * b.abs().max(0.01), "{a} {b}");
    for column in 0..width {
        close(row(specials.image)[column], row(id("a"))[column]);
        let mean = (row(id("b"))[column] + row(id("c"))[column]) / 2.0;
        close(row(specials.end_of_chunk)[column], 1.5 * mean);
    }
    let state = world.path("frozen/checkpoints/step-4/optimiser.safetensors");
    let state = Tensors::open(&[state]).unwrap();
    assert!(state.names().all(|name| !name.contains("language.")));

    recipe.init.as_mut().unwrap().tokens.bos = Some("<none>".into());
    recipe.run = world.path("absent");
    let told = run(&recipe, Resume::Fresh, None).unwrap_err().to_string();
    assert!(told.contains("<none>"), "{told}");
}

#[test]
fn what_is_wrong_with_a_part_is_told_with_its_key() {
    let told = |lm: &str| {
        let text = RECIPE.replace("SMALL_FLAMINGO", "");
        let text = text.replace("LM", lm).replace("VISION", "\"x\"");
        Recipe::from_toml(&text, "a.toml").unwrap_err().to_string()
    };
    assert!(told("3").contains("a path, or a table"), "{}", told("3"));
    let lacking = told("{ file = \"a\" }");
    assert!(
        lacking.contains("a.toml:7") && lacking.contains("`sha256`"),
        "{lacking}"
    );
}
