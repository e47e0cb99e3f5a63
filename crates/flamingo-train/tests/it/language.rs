//! Language trainings.

use flamingo_train::{Resume, ScaleSpec};

use crate::world::{VOCABULARY, World, losses, resumed_equals_uninterrupted, run};

pub(crate) fn recipe_text() -> String {
    format!(
        r#"
run = "DIR/language"
seed = 3
threads = 2
tokenizer = "DIR/tokenizer.json"
tokens = {{ bos = "<BOS>", eos = "<EOS>", pad = "<PAD>", image = "<image>", end_of_chunk = "<EOC>" }}

[model.language]
vocabulary = {VOCABULARY}
width = 8
layers = 2
heads = 2
key_value_heads = 2
head_dim = 4
ffw_width = 16
positions = {{ kind = "rotary", fraction = 0.5, base = 10000.0 }}
norm = "layer_norm"
norm_epsilon = 1e-5
residual = "sequential"
activation = "gelu_tanh"
gated_ffw = false
attention_bias = false
ffw_bias = true
query_key_norm = "none"
tied_head = true

[[data]]
name = "text"
format = "jsonl"
path = "DIR/text.jsonl"
batch = 3
length = 11

[schedule]
steps = 6
rate = 1e-2
warmup = 2
shape = "cosine"

[log]
every = 2

[optimiser]
group = [{{ parameters = "norm|bias", weight_decay = 0.0 }}]
"#
    )
}

#[test]
fn a_resumed_language_run_equals_an_uninterrupted_one_bit_for_bit() {
    let world = World::new();
    let mut recipe = world.recipe(&recipe_text());
    recipe.initial.mimetic = Some(0.7);
    recipe.initial.scale = vec![ScaleSpec {
        parameters: "embed".into(),
        by: 3.0,
    }];
    recipe.regularise.mix = 0.5;
    recipe.regularise.noise = 0.3;
    recipe.regularise.image = 0.5;
    recipe.regularise.predict_keys = false;
    resumed_equals_uninterrupted(&recipe, 3);
    assert!(recipe.run.join("curves.svg").is_file() && recipe.run.join("data.json").is_file());
}

#[test]
fn a_language_model_learns_its_text_and_can_be_loaded() {
    let world = World::new();
    let mut recipe = world.recipe(&recipe_text());
    recipe.schedule.steps = 150;
    recipe.log.every = 50;
    let summary = run(&recipe, Resume::Fresh, None).unwrap();
    let chance = (VOCABULARY as f64).ln();
    assert!(
        summary.losses["text"] < 0.8 * chance,
        "{:?}",
        losses(&recipe.run)
    );
    let source = flamingo_weights::Source::Directory(summary.model.unwrap());
    let (file, tokenizer, tensors) = flamingo_weights::load_part(&source).unwrap();
    assert_eq!(
        (file.model.kind(), tokenizer.vocab_size()),
        ("language", VOCABULARY)
    );
    assert_eq!(tensors.shape("embed.weight"), Some(&[VOCABULARY, 8][..]));
}

#[test]
fn a_diverging_run_names_step_and_source_and_keeps_its_checkpoint() {
    let world = World::new();
    let mut recipe = world.recipe(&recipe_text());
    recipe.schedule.rate = 1e30;
    recipe.schedule.warmup = 0;
    recipe.checkpoint.every = 1;
    let message = run(&recipe, Resume::Fresh, None).unwrap_err().to_string();
    assert!(
        message.starts_with("step ") && message.contains("\"text\""),
        "{message}"
    );
    assert!(
        message.contains("checkpoints/step-") && message.contains("schedule.rate"),
        "{message}"
    );
}

#[test]
fn a_run_folder_of_another_recipe_is_refused_with_what_differs() {
    let world = World::new();
    let mut recipe = world.recipe(&recipe_text());
    run(&recipe, Resume::Fresh, Some(1)).unwrap();
    recipe.seed = 4;
    let message = run(&recipe, Resume::Newest, None).unwrap_err().to_string();
    assert!(
        message.contains("`seed = 3` there, `seed = 4` now"),
        "{message}"
    );
}

#[test]
fn a_vocabulary_too_small_and_a_missing_file_are_said() {
    let world = World::new();
    let text = recipe_text().replace(&format!("vocabulary = {VOCABULARY}"), "vocabulary = 7");
    let message = run(&world.recipe(&text), Resume::Fresh, None)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("33 tokens") && message.contains("is 7"),
        "{message}"
    );
    let text = recipe_text().replace("text.jsonl", "nothing.jsonl");
    let message = run(&world.recipe(&text), Resume::Fresh, None)
        .unwrap_err()
        .to_string();
    assert!(message.contains("nothing.jsonl"), "{message}");
}

#[test]
fn a_smoke_run_of_a_long_recipe_ends_at_once() {
    let world = World::new();
    let mut recipe = world.recipe(&recipe_text());
    recipe.schedule.steps = 1_000_000;
    let summary = run(&recipe.smoke(), Resume::Fresh, None).unwrap();
    assert!(summary.model.is_some() && summary.steps < 10);
}

#[test]
fn a_run_is_a_page_before_and_after_its_end() {
    let world = World::new();
    let recipe = world.recipe(&recipe_text());
    let told = flamingo_train::plot(&recipe.run).unwrap_err().to_string();
    assert!(told.contains("it has no recipe.toml"), "{told}");
    run(&recipe, Resume::Fresh, Some(3)).unwrap();
    let page = |run: &std::path::Path| {
        let path = flamingo_train::plot(run).unwrap();
        std::fs::read_to_string(path).unwrap()
    };
    let shown = page(&recipe.run);
    assert!(shown.contains("3 of 6 steps, not finished"), "{shown}");
    run(&recipe, Resume::Newest, None).unwrap();
    let shown = page(&recipe.run);
    for part in [
        "6 of 6 steps, finished",
        "<svg",
        "gradient norm",
        "<td>23</td><td>23</td>",
        "[model.language]",
    ] {
        assert!(shown.contains(part), "{part}");
    }
    assert!(!shown.contains("{{"));
}

#[test]
fn rows_that_are_longer_than_the_models_places_are_refused() {
    let world = World::new();
    let rotary = r#"{ kind = "rotary", fraction = 0.5, base = 10000.0 }"#;
    let learnt = |max: usize| {
        let positions = format!(r#"{{ kind = "learnt", max = {max}, offset = 0 }}"#);
        let mut recipe = world.recipe(&recipe_text().replace(rotary, &positions));
        recipe.run = world.path(&format!("learnt-{max}"));
        run(&recipe, Resume::Fresh, None)
    };
    let told = learnt(10).unwrap_err().to_string();
    assert!(
        told.contains("length is 11, the language model has places for 10 tokens"),
        "{told}"
    );
    learnt(11).unwrap();
}
