//! A Flamingo trained between parts that it names and does not hold.

use std::path::Path;

use flamingo_train::{ModelSpec, Recipe, Resume};
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
