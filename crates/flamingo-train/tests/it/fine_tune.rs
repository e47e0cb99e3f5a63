//! Fine-tuning of a finished model: what learns, what does not, and when it ends.

use std::fs;
use std::path::Path;

use flamingo_kernels::{Device, LoraConfig, Module, Precision};
use flamingo_model::{Looking, Media, TextInput};
use flamingo_train::{EpisodeSpec, FineTuneSpec, HeldOutReport, ModelSpec, Recipe, Resume};
use flamingo_weights::{Loaded, NamedTensor, Source, Tensors, load, named_tensors};

use crate::flamingo;
use crate::world::{World, losses, run};

const RECIPE: &str = r#"
run = "DIR/tuned"
seed = 3
threads = 2

[model.fine_tune]
base = "DIR/flamingo/model"

[held_out]
share = 0.34
every = 2

[[data]]
name = "pairs"
format = "jsonl"
form = "pair"
path = "DIR/pairs.jsonl"
batch = 3
prompt = "q:"

[schedule]
steps = 6
rate = 1e-2
"#;

/// A world with a finished model.
fn world() -> World {
    let world = flamingo::with_parts();
    let mut recipe = flamingo::flamingo(&world);
    recipe.schedule.steps = 3;
    run(&recipe, Resume::Fresh, None).unwrap();
    world
}

fn recipe(world: &World, change: impl FnOnce(&mut FineTuneSpec)) -> Recipe {
    let mut recipe = world.recipe(RECIPE);
    let ModelSpec::FineTune(spec) = &mut recipe.model else {
        panic!("a fine-tuning");
    };
    change(spec);
    recipe
}

fn lora(spec: &mut FineTuneSpec) {
    spec.lora = Some(LoraConfig::of_rank(2));
}

fn base(world: &World) -> Source {
    Source::Directory(world.path("flamingo/model"))
}

fn loaded(source: &Source) -> Loaded {
    load(source, &Device::flex(), Precision::F32).unwrap()
}

fn adapted(world: &World, run: &Path) -> Loaded {
    let adapter = run.join("adapter.safetensors");
    loaded(&Source::Adapted(Box::new(base(world)), adapter))
}

/// Of each part whether any of its numbers moved.
fn moved(before: &[NamedTensor], after: &[NamedTensor]) -> Vec<(&'static str, bool)> {
    let parts = ["vision.", "resampler.", "gated.", "language."];
    let of = |part: &'static str| {
        let own = |tensors: &[NamedTensor]| -> Vec<NamedTensor> {
            let own = tensors
                .iter()
                .filter(|t| t.name.starts_with(part) && !t.name.contains("lora"));
            own.cloned().collect()
        };
        assert_eq!(own(before).len(), own(after).len());
        (part, own(before) != own(after))
    };
    parts.map(of).to_vec()
}

#[test]
fn what_is_frozen_keeps_its_bits_and_the_adapter_holds_the_rest() {
    let world = world();
    let before = named_tensors(&loaded(&base(&world)).model);
    for (name, change, learn) in [
        (
            "plain",
            (|_| {}) as fn(&mut FineTuneSpec),
            [false, true, true, false],
        ),
        ("lora", lora, [false, true, true, false]),
        (
            "seeing",
            |spec| spec.unfreeze_vision = true,
            [true, true, true, false],
        ),
    ] {
        let mut recipe = recipe(&world, change);
        recipe.run = world.path(name);
        let summary = run(&recipe, Resume::Fresh, None).unwrap();
        assert_eq!(summary.model, Some(recipe.run.join("adapter.safetensors")));
        let after = named_tensors(&adapted(&world, &recipe.run).model);
        let found: Vec<bool> = moved(&before, &after)
            .iter()
            .map(|(_, moved)| *moved)
            .collect();
        assert_eq!(found, learn, "{name}");
        let tensors = Tensors::open(&[summary.model.unwrap()]).unwrap();
        let in_adapter = |part: &str| tensors.names().any(|tensor| tensor.starts_with(part));
        assert_eq!(in_adapter("vision."), learn[0], "{name}");
        let of_language: Vec<&str> = tensors
            .names()
            .filter(|t| t.starts_with("language."))
            .collect();
        assert!(
            of_language.iter().all(|tensor| tensor.contains(".lora.")),
            "{name}"
        );
        assert_eq!(
            of_language.len(),
            if name == "lora" { 2 * 2 * 6 } else { 0 }
        );
    }
}

#[test]
fn a_resumed_fine_tuning_equals_an_uninterrupted_one_bit_for_bit() {
    let world = world();
    for (name, change) in [
        ("plain", lora as fn(&mut FineTuneSpec)),
        ("seeing", |spec| spec.unfreeze_vision = true),
    ] {
        let mut whole = recipe(&world, change);
        whole.run = world.path(&format!("{name}-whole"));
        run(&whole, Resume::Fresh, None).unwrap();
        // Stopped where it has not looked, and where it just has.
        for stop in [3, 4] {
            let mut stopped = whole.clone();
            stopped.run = world.path(&format!("{name}-{stop}"));
            assert_eq!(
                run(&stopped, Resume::Fresh, Some(stop)).unwrap().model,
                None
            );
            run(&stopped, Resume::Newest, None).unwrap();
            let adapter =
                |recipe: &Recipe| fs::read(recipe.run.join("adapter.safetensors")).unwrap();
            assert!(adapter(&whole) == adapter(&stopped), "{name} {stop}");
            let looks = |recipe: &Recipe| -> Vec<String> {
                let text = fs::read_to_string(recipe.run.join("metrics.jsonl")).unwrap();
                let looked = text.lines().filter_map(|line| {
                    let line: serde_json::Value = serde_json::from_str(line).unwrap();
                    line.get("held_out")
                        .map(|held_out| format!("{} {held_out}", line["step"]))
                });
                looked.collect()
            };
            assert_eq!(looks(&whole), looks(&stopped));
            assert_eq!(looks(&whole).len(), 4, "steps 0, 2, 4 and 6");
        }
        assert_eq!(losses(&whole.run).len(), 4);
    }
}

/// The stream behind the last layer of a model that reads a few tokens.
fn stream(loaded: &Loaded) -> Vec<f32> {
    let input = TextInput::ragged(&[1, 7, 9, 11], 4, &[4]);
    let hidden = loaded
        .model
        .hidden(&input, &Media::none(), &Looking::Nowhere);
    hidden.into_data().try_to_vec().unwrap()
}

#[test]
fn a_training_that_gains_nothing_ends_early_and_gives_the_model_as_it_was() {
    let world = world();
    let mut recipe = recipe(&world, lora);
    recipe.schedule.steps = 40;
    recipe.schedule.rate = 0.0;
    recipe.held_out.as_mut().unwrap().patience = 3;
    let summary = run(&recipe, Resume::Fresh, None).unwrap();
    // Three looks in a row that are not better than that before the first step.
    assert_eq!(summary.steps, 3 * 2);
    let [first, best] = summary.looks.unwrap();
    assert_eq!((first.step, best.step), (0, 0));
    let (before, after) = (loaded(&base(&world)), adapted(&world, &recipe.run));
    assert!(after.model.num_params() > before.model.num_params());
    assert_eq!(stream(&before), stream(&after));
}

#[test]
fn the_best_weights_are_what_it_gives_not_the_last() {
    let world = world();
    let mut recipe = recipe(&world, |_| {});
    // So fast that it gets worse soon.
    (recipe.schedule.steps, recipe.schedule.rate) = (60, 0.3);
    recipe.held_out.as_mut().unwrap().patience = 4;
    let summary = run(&recipe, Resume::Fresh, None).unwrap();
    let [_, best] = summary.looks.unwrap();
    assert!(
        best.step < summary.steps && summary.steps < 60,
        "{} of {}",
        best.step,
        summary.steps
    );
    let file = |name: &str| Tensors::open(&[recipe.run.join(name)]).unwrap();
    let kept = file(&format!("best-{}.safetensors", best.step));
    let given = file("adapter.safetensors");
    let last = file(&format!(
        "checkpoints/step-{}/trained.safetensors",
        summary.steps
    ));
    let mut differs = false;
    for name in given.names() {
        assert_eq!(given.values(name).unwrap(), kept.values(name).unwrap());
        differs |= given.values(name).unwrap() != last.values(name).unwrap();
    }
    assert!(differs);
    let files = fs::read_dir(&recipe.run).unwrap();
    let kept = files.filter(|f| {
        f.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with("best-")
    });
    assert_eq!(kept.count(), 1);
    // A run that has ended is not gone on with.
    let again = run(&recipe, Resume::Newest, None).unwrap();
    assert_eq!(again.steps, summary.steps);
}

#[test]
fn a_model_gains_on_what_is_held_out_and_it_is_told_how_it_was_split() {
    let world = world();
    let mut recipe = recipe(&world, lora);
    (recipe.schedule.steps, recipe.schedule.rate) = (60, 3e-2);
    let held_out = recipe.held_out.as_mut().unwrap();
    (held_out.every, held_out.patience) = (20, 0);
    let summary = run(&recipe, Resume::Fresh, None).unwrap();
    let [first, best] = summary.looks.unwrap();
    // Its frozen head has hardly learnt: little can be gained, but that is.
    let gained = first.held_out["pairs"] - best.held_out["pairs"];
    assert!(gained > 0.03, "{first:?} {best:?}");
    let report = HeldOutReport::read(&recipe.run).unwrap();
    assert_eq!(
        (report["pairs"].trained, report["pairs"].held_out.len()),
        (10, 5)
    );
    assert!(report["pairs"].nearest_class_mean.is_some());
}

#[test]
fn broken_pictures_are_left_out_and_counted() {
    let world = world();
    fs::write(world.path("ape1.png"), b"no picture").unwrap();
    let recipe = recipe(&world, |_| {});
    let summary = run(&recipe, Resume::Fresh, None).unwrap();
    let report = &summary.data["pairs"];
    assert_eq!((report.found, report.kept()), (15, 14));
    assert_eq!(report.left_out["broken picture or film"], 1);
}

#[test]
fn what_a_fine_tuning_cannot_do_is_said() {
    let world = world();
    let told = |change: &dyn Fn(&mut Recipe)| {
        let mut recipe = recipe(&world, |_| {});
        change(&mut recipe);
        match Recipe::from_toml(&recipe.to_toml(), "a.toml") {
            Ok(recipe) => run(&recipe, Resume::Fresh, None).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    };
    let language = |recipe: &mut Recipe| {
        if let ModelSpec::FineTune(spec) = &mut recipe.model {
            spec.base = world.path("language/model").display().to_string();
        }
    };
    assert!(told(&language).contains("is a language model: a Flamingo is fine-tuned"));
    assert!(
        told(&|recipe| recipe.held_out.as_mut().unwrap().share = 1.0)
            .contains("held_out.share is 1")
    );
    assert!(told(&|recipe| recipe.data[0].p_space = Some(0.5)).contains("behind a `prompt`"));
    let rank = |recipe: &mut Recipe| {
        if let ModelSpec::FineTune(spec) = &mut recipe.model {
            spec.lora = Some(LoraConfig::of_rank(0));
        }
    };
    assert!(told(&rank).contains("rank 0"));
}

#[test]
fn episodes_that_change_features_need_an_encoder_that_stays_as_it_is() {
    let world = world();
    let told = |unfreeze: bool| {
        let mut recipe = recipe(&world, |_| {});
        let ModelSpec::FineTune(spec) = &mut recipe.model else {
            unreachable!();
        };
        spec.unfreeze_vision = unfreeze;
        let data = &mut recipe.data[0];
        (data.prompt, data.form, data.p_next, data.p_space) = (None, None, None, None);
        data.episode = Some(EpisodeSpec {
            mirrored: 0.5,
            ..EpisodeSpec::default()
        });
        Recipe::from_toml(&recipe.to_toml(), "a.toml").err()
    };
    assert!(told(false).is_none());
    let told = told(true).unwrap().to_string();
    assert!(
        told.contains("`episode.mirrored` needs the features of a frozen encoder"),
        "{told}"
    );
}
