//! Contrastive and Flamingo trainings.

use std::path::PathBuf;

use flamingo_kernels::Precision;
use flamingo_model::{Gate, Placement, ResamplerKind};
use flamingo_sequence::Visibility;
use flamingo_train::{
    EpisodeSpec, FillSpec, LanguageStart, Line, ModelSpec, Recipe, ResamplerStart, Resume,
    ScaleSpec, Updates, Written,
};
use flamingo_weights::{ModelFile, Source, Tensors, load_part};

use crate::language;
use crate::world::{VOCABULARY, World, losses, resumed_equals_uninterrupted, run};

pub(crate) fn contrastive_text() -> String {
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
pub(crate) fn with_parts() -> World {
    let world = World::new();
    let mut language = world.recipe(&language::recipe_text());
    language.schedule.steps = 2;
    run(&language, Resume::Fresh, None).unwrap();
    let mut vision = world.recipe(&contrastive_text());
    vision.schedule.steps = 2;
    run(&vision, Resume::Fresh, None).unwrap();
    world
}

pub(crate) fn flamingo(world: &World) -> Recipe {
    world.recipe(FLAMINGO)
}

pub(crate) fn tensors(folder: PathBuf) -> Tensors {
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

/// Pairs that become episodes, in a model with a block at one listed layer whose resampler begins as the mean
/// of the encoder's components.
fn episodes(world: &World) -> Recipe {
    let words: String = ('a'..='m')
        .map(|letter| format!("{letter}{letter}\n"))
        .collect();
    std::fs::write(world.path("words.txt"), words).unwrap();
    let mut recipe = flamingo(world);
    let ModelSpec::Flamingo(spec) = &mut recipe.model else {
        unreachable!();
    };
    let resampler = &mut spec.resampler;
    (resampler.width, resampler.heads, resampler.head_dim) = (4, 2, 2);
    spec.gated.layers = vec![1];
    recipe.initial.resampler = Some(ResamplerStart::Components);
    recipe.cache.features = Some(world.path("features"));
    recipe.data.retain(|data| data.name == "pairs");
    recipe.data[0].form = None;
    recipe.data[0].episode = Some(EpisodeSpec {
        names: [2, 2],
        shots: [1, 2],
        queries: 3,
        composites: 0.5,
        mirrored: 0.5,
        two_words: 0.3,
        words: Some(world.path("words.txt")),
    });
    recipe
}

#[test]
fn a_resumed_run_of_episodes_equals_an_uninterrupted_one_bit_for_bit() {
    let world = with_parts();
    let recipe = episodes(&world);
    resumed_equals_uninterrupted(&recipe, 3);
    let file = ModelFile::read(&recipe.run.join("model")).unwrap().unwrap();
    assert_eq!(file.version, 5, "earlier programs know no list of layers");
    assert_eq!(
        std::fs::read_dir(world.path("features")).unwrap().count(),
        15
    );
}

#[test]
fn queries_of_an_episode_are_answered_after_a_training_and_the_share_is_told() {
    let world = with_parts();
    let mut recipe = episodes(&world);
    recipe.data[0].episode.as_mut().unwrap().composites = 0.0;
    recipe.schedule.steps = 300;
    recipe.log.every = 50;
    run(&recipe, Resume::Fresh, None).unwrap();
    let text = std::fs::read_to_string(recipe.run.join("metrics.jsonl")).unwrap();
    let share = |line: &str| {
        let line: Line = serde_json::from_str(line).unwrap();
        line.accuracies["pairs"]
    };
    let shares: Vec<f64> = text.lines().map(share).collect();
    assert!(
        shares[0] < 0.5 && *shares.last().unwrap() > shares[0],
        "{shares:?}"
    );
}

#[test]
fn what_the_model_writes_at_intervals_comes_to_what_is_wanted_and_is_the_same_after_a_stop() {
    let world = with_parts();
    let mut recipe = flamingo(&world);
    recipe.data.retain(|data| data.name != "films");
    let ModelSpec::Flamingo(spec) = &mut recipe.model else {
        unreachable!();
    };
    // A language model of two steps cannot spell: it learns along.
    spec.language = LanguageStart::Trained;
    recipe.schedule.steps = 200;
    recipe.log.samples = 40;
    let written = |recipe: &Recipe| -> Vec<Written> {
        let text = std::fs::read_to_string(recipe.run.join("samples.jsonl")).unwrap();
        let line = |line: &str| serde_json::from_str(line).unwrap();
        text.lines().map(line).collect()
    };
    run(&recipe, Resume::Fresh, None).unwrap();
    let lines = written(&recipe);
    assert_eq!(lines.len(), 5 * 3 * recipe.data.len());
    assert!(
        lines.iter().all(|line| !line.wanted.is_empty()),
        "{lines:?}"
    );
    let right = |step: u64| {
        let of_step = lines.iter().filter(|line| line.step == step);
        of_step.filter(|line| line.written == line.wanted).count()
    };
    assert!(right(200) > right(40), "{lines:?}");
    let mut stopped = recipe.clone();
    stopped.run = world.path("stopped");
    run(&stopped, Resume::Fresh, Some(90)).unwrap();
    assert_eq!(written(&stopped), lines[..lines.len() / 5 * 2]);
    run(&stopped, Resume::Newest, None).unwrap();
    assert_eq!(written(&stopped), lines);
}

#[test]
fn with_outputs_of_zero_open_gates_leave_the_language_model_as_it_is() {
    let world = with_parts();
    let mut recipe = flamingo(&world);
    recipe.initial.fill = vec![FillSpec {
        parameters: "alpha".into(),
        with: 0.5,
    }];
    recipe.initial.scale = vec![ScaleSpec {
        parameters: r"^gated\.\d+\.(out|dense_out)\.".into(),
        by: 0.0,
    }];
    recipe.data.retain(|data| data.name == "pairs");
    recipe.schedule.steps = 1;
    run(&recipe, Resume::Fresh, None).unwrap();
    let open = losses(&recipe.run);
    // Closed gates: the same loss in the first step, whatever the blocks would say.
    (recipe.initial.fill, recipe.initial.scale) = (Vec::new(), Vec::new());
    recipe.run = world.path("closed");
    run(&recipe, Resume::Fresh, None).unwrap();
    assert_eq!(open[0].1, losses(&recipe.run)[0].1);
    let whole = tensors(world.path("flamingo/model"));
    let out = whole.values("gated.0.out.weight").unwrap();
    assert!(out.iter().any(|v| *v != 0.0), "it has learnt in that step");
}

#[test]
fn what_episodes_cannot_use_is_refused() {
    let world = World::new();
    let mut recipe = episodes(&world);
    recipe.data[0].p_next = Some(0.5);
    let told = Recipe::from_toml(&recipe.to_toml(), "a.toml")
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("`p_next` has no use where pairs become episodes"),
        "{told}"
    );
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
fn mixed_precision_learns_nearly_the_same_and_saves_frozen_parts_as_their_files_have_them() {
    let world = with_parts();
    let plain = run(&flamingo(&world), Resume::Fresh, None).unwrap();
    let mut recipe = flamingo(&world);
    recipe.precision = Precision::Bf16;
    recipe.run = world.path("mixed");
    recipe.cache.features = Some(world.path("features"));
    let mixed = run(&recipe, Resume::Fresh, None).unwrap();
    assert_ne!(plain.losses, mixed.losses);
    for (source, loss) in &plain.losses {
        let far = (loss - mixed.losses[source]).abs();
        assert!(
            far < 0.05 * loss,
            "{source}: {loss} and {}",
            mixed.losses[source]
        );
    }
    let (whole, mixed) = (
        tensors(world.path("flamingo/model")),
        tensors(world.path("mixed/model")),
    );
    for name in whole.names() {
        let frozen = ["vision.", "language."]
            .iter()
            .any(|part| name.starts_with(part));
        let same = whole.values(name).unwrap() == mixed.values(name).unwrap();
        assert_eq!(same, frozen, "{name}");
    }
    recipe.run = world.path("again");
    resumed_equals_uninterrupted(&recipe, 3);
    let half = recipe
        .to_toml()
        .replace("precision = \"bf16\"", "precision = \"f16\"");
    let error = Recipe::from_toml(&half, "half.toml")
        .unwrap_err()
        .to_string();
    assert!(error.contains("f16") && error.contains("bf16"), "{error}");
}

#[test]
fn what_is_made_again_for_the_backward_pass_changes_no_bit() {
    let world = with_parts();
    let plain = run(&flamingo(&world), Resume::Fresh, None).unwrap();
    let mut recipe = flamingo(&world);
    recipe.recompute = true;
    recipe.run = world.path("again");
    resumed_equals_uninterrupted(&recipe, 3);
    let again = tensors(world.path("again/model"));
    let whole = tensors(world.path("flamingo/model"));
    assert!(plain.model.is_some());
    for name in whole.names() {
        assert_eq!(
            whole.values(name).unwrap(),
            again.values(name).unwrap(),
            "{name}"
        );
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

#[test]
fn the_language_model_learns_or_begins_anew_only_where_the_recipe_says_so() {
    let world = with_parts();
    let before = tensors(world.path("language/model"));
    for (start, learns) in [
        (LanguageStart::Frozen, false),
        (LanguageStart::Trained, true),
        (LanguageStart::Random, true),
    ] {
        let mut recipe = flamingo(&world);
        recipe.run = world.path(&format!("{start:?}"));
        let ModelSpec::Flamingo(spec) = &mut recipe.model else {
            panic!("a Flamingo");
        };
        spec.language = start;
        // So slow that what is trained stays near.
        recipe.schedule.rate = 1e-5;
        run(&recipe, Resume::Fresh, None).unwrap();
        let after = tensors(recipe.run.join("model"));
        let name = "layers.0.attention.q.weight";
        let (was, is) = (
            before.values(name).unwrap(),
            after.values(&format!("language.{name}")).unwrap(),
        );
        assert_eq!(was != is, learns, "{start:?}");
        let far = was
            .iter()
            .zip(&is)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert_eq!(
            far > 0.05,
            start == LanguageStart::Random,
            "{start:?} {far}"
        );
    }
}

fn grafted(spec: &mut flamingo_train::FlamingoSpec) {
    (spec.gated.placement, spec.gated.gate) = (Placement::OnTop, Gate::Open);
}

#[test]
fn a_resumed_run_with_layers_on_top_equals_an_uninterrupted_one_bit_for_bit() {
    let world = with_parts();
    let mut recipe = flamingo(&world);
    let ModelSpec::Flamingo(spec) = &mut recipe.model else {
        panic!("a Flamingo");
    };
    grafted(spec);
    // There are no gates.
    recipe.optimiser.group.clear();
    resumed_equals_uninterrupted(&recipe, 3);
}

/// A change of a model.
type Change = fn(&mut flamingo_train::FlamingoSpec);

#[test]
fn the_papers_ablations_of_the_model_are_trained_and_saved_as_what_they_are() {
    let world = with_parts();
    let before = tensors(world.path("language/model"));
    let changes: [(&str, Change); 6] = [
        ("open", |spec| spec.gated.gate = Gate::Open),
        ("mlp", |spec| spec.resampler.kind = ResamplerKind::Mlp),
        ("transformer", |spec| {
            spec.resampler.kind = ResamplerKind::Transformer
        }),
        ("all", |spec| spec.sees = Visibility::AllPrevious),
        ("vanilla", |spec| {
            let gated = &mut spec.gated;
            (gated.placement, gated.gate, gated.dense) = (Placement::Inside, Gate::Open, false);
        }),
        ("grafting", grafted),
    ];
    let mut models = Vec::new();
    for (name, change) in changes {
        let mut recipe = flamingo(&world);
        recipe.run = world.path(name);
        let ModelSpec::Flamingo(spec) = &mut recipe.model else {
            panic!("a Flamingo");
        };
        change(spec);
        // The group of the gates, which one of them has not.
        recipe.optimiser.group.clear();
        let written = Recipe::from_toml(&recipe.to_toml(), "a.toml").unwrap();
        assert_eq!(written, recipe);
        run(&recipe, Resume::Fresh, None).unwrap();
        let folder = recipe.run.join("model");
        let file = ModelFile::read(&folder).unwrap().unwrap();
        assert_eq!(file.sees == Visibility::AllPrevious, name == "all");
        // Only programs that know them read what is new in them.
        assert_eq!(
            file.version == flamingo_weights::PARTS_FORMAT_VERSION,
            name != "all"
        );
        let after = tensors(folder.clone());
        let count = |part: &str| after.names().filter(|n| n.contains(part)).count();
        let without = ["open", "vanilla", "grafting"].contains(&name);
        assert_eq!(count("alpha"), if without { 0 } else { 2 * 2 });
        assert_eq!(count("dense_in"), if name == "vanilla" { 0 } else { 2 });
        assert_eq!(count("text_layer") > 0, name == "grafting");
        let frozen = "layers.0.attention.q.weight";
        let (was, is) = (
            before.values(frozen),
            after.values(&format!("language.{frozen}")),
        );
        assert_eq!(was.unwrap(), is.unwrap(), "{name}");
        models.push((losses(&recipe.run).pop().unwrap().1, folder));
    }
    // What is seen changes what is learnt.
    let mut plain = flamingo(&world);
    plain.run = world.path("plain");
    run(&plain, Resume::Fresh, None).unwrap();
    let plain = losses(&plain.run).pop().unwrap().1;
    assert!(
        models.iter().all(|(losses, _)| *losses != plain),
        "{models:?}"
    );
}
