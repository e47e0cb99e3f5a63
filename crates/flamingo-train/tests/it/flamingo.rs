//! Contrastive and Flamingo trainings.

use std::path::PathBuf;

use flamingo_train::{Recipe, Resume, Updates};
use flamingo_weights::{Source, Tensors, load_part};

use crate::language;
use crate::world::{VOCABULARY, World, losses, resumed_equals_uninterrupted, run};

fn contrastive_text() -> String {
    PAIRS.replace(
        "CONTRASTIVE",
        &TOWERS.replace("VOCABULARY", &VOCABULARY.to_string()),
    )
}

const PAIRS: &str = r#"
run = "DIR/vision"
seed = 5
tokenizer = "DIR/tokenizer.json"
tokens = { bos = "<BOS>", eos = "<EOS>", pad = "<PAD>", image = "<image>", end_of_chunk = "<EOC>" }
preprocess = { size = 8, fit = "squash", mean = [0.5, 0.5, 0.5], std = [0.27, 0.27, 0.27] }

CONTRASTIVE

[[data]]
name = "pairs"
format = "jsonl"
path = "DIR/pairs.jsonl"
batch = 3
texts = "all"
about = '^([a-z]+)$'

[schedule]
steps = 6
rate = 1e-2
"#;

/// A small image tower and a bag of tokens.
const TOWERS: &str = r#"
[model.contrastive]
joint_width = 5
label_smoothing = 0.05
vision = { vit = { image_size = 8, patch = 4, width = 6, layers = 1, heads = 2, ffw_multiple = 2, activation = "gelu", class_token = false, pre_norm = false, tokens = "after_norm" } }
text = { vocabulary = VOCABULARY, width = 6, layers = 0, heads = 1, ffw_multiple = 1, activation = "gelu", positions = 0 }
"#;

const FLAMINGO: &str = r#"
run = "DIR/flamingo"
seed = 7
threads = 2

[init]
vision = "DIR/vision/model"
language = "DIR/language/model"

SMALL_FLAMINGO

[[data]]
name = "pairs"
format = "jsonl"
form = "pair"
path = "DIR/pairs.jsonl"
batch = 3
weight = 0.3

[[data]]
name = "pages"
format = "pages"
path = "DIR"
batch = 2
length = 17
max_media = 3
from = 1

[[data]]
name = "films"
format = "jsonl"
path = "DIR/films.jsonl"
batch = 2
predict = "text_with_media"

[schedule]
steps = 6
rate = 1e-2
warmup = 2

[log]
every = 1

[optimiser]
group = [{ parameters = "alpha", rate = 5.0, weight_decay = 0.0 }]
"#;

/// A world with finished parts.
fn with_parts() -> World {
    let world = World::new();
    let mut language = world.recipe(&language::recipe_text());
    language.schedule.steps = 2;
    run(&language, Resume::Fresh, None).unwrap();
    let mut vision = world.recipe(&contrastive_text());
    vision.schedule.steps = 2;
    run(&vision, Resume::Fresh, None).unwrap();
    world
}

fn flamingo(world: &World) -> Recipe {
    world.recipe(FLAMINGO)
}

fn tensors(folder: PathBuf) -> Tensors {
    load_part(&Source::Directory(folder)).unwrap().2
}

#[test]
fn a_resumed_contrastive_run_equals_an_uninterrupted_one_bit_for_bit() {
    let world = World::new();
    let mut recipe = world.recipe(&contrastive_text());
    recipe.data[0].augment.flip = 0.5;
    recipe.data[0].augment.colour = 0.1;
    resumed_equals_uninterrupted(&recipe, 3);
}

#[test]
fn pictures_find_their_captions_after_a_contrastive_training() {
    let world = World::new();
    let mut recipe = world.recipe(&contrastive_text());
    recipe.schedule.steps = 200;
    let summary = run(&recipe, Resume::Fresh, None).unwrap();
    assert!(summary.losses["pairs"] < 1.0, "{:?}", losses(&recipe.run));
}

#[test]
fn a_batch_of_more_things_than_there_are_is_refused_with_both_numbers() {
    let world = World::new();
    let mut recipe = world.recipe(&contrastive_text());
    recipe.data[0].batch = 7;
    let message = run(&recipe, Resume::Fresh, None).unwrap_err().to_string();
    assert!(
        message.contains("batch is 7") && message.contains("about 5 things"),
        "{message}"
    );
}

#[test]
fn a_resumed_flamingo_run_equals_an_uninterrupted_one_bit_for_bit() {
    resumed_equals_uninterrupted(&flamingo(&with_parts()), 3);
}

#[test]
fn frozen_parts_are_untouched_and_everything_else_is_trained() {
    let world = with_parts();
    let recipe = flamingo(&world);
    run(&recipe, Resume::Fresh, None).unwrap();
    let whole = tensors(world.path("flamingo/model"));
    let language = tensors(world.path("language/model"));
    for name in language.names() {
        let after = whole.values(&format!("language.{name}")).unwrap();
        assert_eq!(after, language.values(name).unwrap(), "{name}");
    }
    let vision = tensors(world.path("vision/model"));
    for name in vision.names().filter(|name| name.starts_with("vision.")) {
        assert_eq!(
            whole.values(name).unwrap(),
            vision.values(name).unwrap(),
            "{name}"
        );
    }
    let state = world.path("flamingo/checkpoints/step-6/optimiser.safetensors");
    let state = Tensors::open(&[state]).unwrap();
    let trained = ["resampler.", "gated.", "media_projection."];
    for name in whole.names() {
        let moved = state.values(&format!("square.{name}"));
        if trained.iter().any(|part| name.starts_with(part)) {
            assert!(
                moved.unwrap().iter().any(|v| *v > 0.0),
                "{name} never had a gradient"
            );
        } else {
            assert!(moved.is_err(), "{name} has optimiser state");
        }
    }
}

#[test]
fn sources_come_and_go_by_step_and_in_turn_if_asked() {
    let world = with_parts();
    let mut recipe = flamingo(&world);
    run(&recipe, Resume::Fresh, None).unwrap();
    let lines = losses(&recipe.run);
    assert!(
        !lines[0].1.contains("pages") && lines[1].1.contains("pages"),
        "{lines:?}"
    );
    recipe.updates = Updates::RoundRobin;
    recipe.run = world.path("turns");
    run(&recipe, Resume::Fresh, None).unwrap();
    assert!(
        losses(&recipe.run)
            .iter()
            .all(|(_, sources)| sources.matches(':').count() == 1)
    );
}
