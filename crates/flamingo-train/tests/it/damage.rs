//! Checkpoints that are damaged, and those of earlier versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flamingo_kernels::Device;
use flamingo_train::{Observer, Options, Recipe, Resume, Summary, train};
use flamingo_weights::Store;

use crate::language::recipe_text;
use crate::world::{World, run};

const FILES: [&str; 3] = ["trained.safetensors", "optimiser.safetensors", "state.json"];

/// Hears of damage.
#[derive(Default)]
struct Heard(Vec<(PathBuf, String, PathBuf)>);

impl Observer for Heard {
    fn damaged(&mut self, aside: &Path, problem: &str, used: &Path) {
        self.0.push((aside.into(), problem.into(), used.into()));
    }
}

fn resume(recipe: &Recipe) -> (flamingo_train::Result<Summary>, Heard) {
    let options = Options {
        together: Arc::new(flamingo_train::Alone),
        device: Device::flex(),
        base: None,
        ffmpeg: None,
        parts: Store::new("no cache"),
        stores: flamingo_data::StoreSettings::default(),
        resume: Resume::Newest,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let mut heard = Heard::default();
    let summary = train(recipe, &options, &mut heard);
    (summary, heard)
}

/// A run of 6 steps that saves every second one, stopped after the fourth.
fn stopped(world: &World) -> Recipe {
    let mut recipe = world.recipe(&recipe_text());
    recipe.checkpoint.every = 2;
    recipe.checkpoint.keep = 2;
    run(&recipe, Resume::Fresh, Some(4)).unwrap();
    recipe
}

fn file(recipe: &Recipe, step: u64, name: &str) -> PathBuf {
    recipe
        .run
        .join(format!("checkpoints/step-{step}"))
        .join(name)
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn weights(recipe: &Recipe) -> Vec<u8> {
    fs::read(recipe.run.join("model/model.safetensors")).unwrap()
}

#[test]
fn a_flipped_byte_anywhere_is_found_and_the_checkpoint_before_it_used() {
    let world = World::new();
    let recipe = stopped(&world);
    let copy = world.recipe(&recipe_text()).run.with_extension("copy");
    copy_folder(&recipe.run, &copy);
    resume(&recipe).0.unwrap();
    let whole = weights(&recipe);
    for name in FILES {
        let length = fs::metadata(copy.join("checkpoints/step-4").join(name))
            .unwrap()
            .len();
        // Some bytes of each file, the last ones of tensors as well as headers.
        let every = if name == "state.json" { 7 } else { 1009 };
        for at in (0..usize::try_from(length).unwrap()).step_by(every) {
            fs::remove_dir_all(&recipe.run).unwrap();
            copy_folder(&copy, &recipe.run);
            flip(&file(&recipe, 4, name), at);
            let (summary, heard) = resume(&recipe);
            assert_eq!(summary.unwrap().steps, 6);
            let [(aside, problem, used)] = &heard.0[..] else {
                panic!("{name}, byte {at}: {:?}", heard.0);
            };
            assert!(aside.ends_with("checkpoints/damaged-step-4") && aside.is_dir());
            assert!(used.ends_with("checkpoints/step-2"), "{problem}");
            assert!(problem.contains(name), "{problem}");
            assert!(weights(&recipe) == whole, "{name}, byte {at}");
        }
    }
}

#[test]
fn a_run_of_which_all_checkpoints_are_damaged_does_not_begin_anew_without_a_word() {
    let world = World::new();
    let recipe = stopped(&world);
    for step in [2, 4] {
        flip(&file(&recipe, step, "trained.safetensors"), 300);
    }
    for _ in 0..2 {
        let error = resume(&recipe).0.unwrap_err().to_string();
        assert!(
            error.contains("step-4: this checkpoint is damaged")
                && error.contains("none before it is whole"),
            "{error}"
        );
    }
}

#[test]
fn a_checkpoint_of_the_first_version_is_gone_on_with() {
    let world = World::new();
    let recipe = stopped(&world);
    fs::write(file(&recipe, 4, "state.json"), "{\"step\":4}").unwrap();
    let (summary, heard) = resume(&recipe);
    assert_eq!(summary.unwrap().steps, 6);
    assert!(heard.0.is_empty());
}

#[test]
fn a_checkpoint_of_a_later_version_is_named_with_both_versions_and_left_as_it_is() {
    let world = World::new();
    let recipe = stopped(&world);
    let path = file(&recipe, 4, "state.json");
    let later = fs::read_to_string(&path)
        .unwrap()
        .replace("\"version\":2", "\"version\":3");
    fs::write(&path, later).unwrap();
    let (summary, heard) = resume(&recipe);
    let error = summary.unwrap_err().to_string();
    assert!(
        error.contains("step-4") && error.contains("version 3") && error.contains("up to 2"),
        "{error}"
    );
    assert!(heard.0.is_empty() && path.is_file());
}

/// A way in which a checkpoint is no checkpoint any more.
type Spoil = fn(&Path);

#[test]
fn a_checkpoint_without_its_state_is_damaged_too() {
    let folder_as_state: Spoil = |step| {
        without(step);
        fs::create_dir(step.join("state.json")).unwrap();
    };
    let empty: Spoil = |step| {
        fs::remove_dir_all(step).unwrap();
        fs::create_dir(step).unwrap();
    };
    let file: Spoil = |step| {
        fs::remove_dir_all(step).unwrap();
        fs::write(step, "no folder").unwrap();
    };
    for spoil in [without as Spoil, folder_as_state, empty, file] {
        let world = World::new();
        let recipe = stopped(&world);
        let steps = [2, 4].map(|step| recipe.run.join(format!("checkpoints/step-{step}")));
        spoil(&steps[1]);
        let (summary, heard) = resume(&recipe);
        assert_eq!(summary.unwrap().steps, 6);
        assert!(heard.0[0].0.ends_with("checkpoints/damaged-step-4"));

        let world = World::new();
        let recipe = stopped(&world);
        for step in [2, 4] {
            spoil(&recipe.run.join(format!("checkpoints/step-{step}")));
        }
        let error = resume(&recipe).0.unwrap_err().to_string();
        assert!(error.contains("none before it is whole"), "{error}");
    }
}

fn without(step: &Path) {
    fs::remove_file(step.join("state.json")).unwrap();
}

#[test]
fn what_a_kill_left_of_a_checkpoint_in_the_making_is_removed() {
    let world = World::new();
    let recipe = stopped(&world);
    let partial = recipe.run.join("checkpoints/.step-6.partial");
    fs::create_dir(&partial).unwrap();
    fs::write(partial.join("trained.safetensors"), "half").unwrap();
    fs::write(recipe.run.join(".curves.svg.part0"), "half").unwrap();
    resume(&recipe).0.unwrap();
    assert!(!partial.exists() && !recipe.run.join(".curves.svg.part0").exists());
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy_folder(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}
