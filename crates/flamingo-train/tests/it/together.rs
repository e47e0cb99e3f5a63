//! Runs of several processes, here threads.

use std::sync::{Arc, Barrier, Mutex};

use flamingo_train::{Recipe, Resume, Together};
use flamingo_weights::Tensors;

use crate::flamingo::{flamingo, with_parts};
use crate::language;
use crate::streams::streamed;
use crate::world::{World, losses, run, run_with};

/// One of some threads that are as processes of a run.
#[derive(Debug)]
struct Thread {
    rank: usize,
    world: usize,
    shared: Arc<(Barrier, Mutex<Vec<f32>>)>,
}

impl Together for Thread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn world(&self) -> usize {
        self.world
    }

    fn sum(&self, values: &mut [f32]) {
        let (barrier, sum) = &*self.shared;
        // In the order of their ranks, so that the sum is the same bits each time.
        for rank in 0..self.world {
            barrier.wait();
            if rank == self.rank {
                let mut sum = sum.lock().unwrap();
                if rank == 0 {
                    *sum = vec![0.0; values.len()];
                }
                assert_eq!(sum.len(), values.len(), "all sum the same");
                sum.iter_mut()
                    .zip(&*values)
                    .for_each(|(sum, value)| *sum += value);
            }
        }
        barrier.wait();
        values.copy_from_slice(&sum.lock().unwrap());
        barrier.wait();
    }

    fn barrier(&self) {
        self.shared.0.wait();
    }
}

/// Runs a recipe on so many threads; one that fails fails the test.
pub(crate) fn run_on(recipe: &Recipe, world: usize, resume: Resume, until: Option<u64>) {
    let shared = Arc::new((Barrier::new(world), Mutex::new(Vec::new())));
    std::thread::scope(|scope| {
        for rank in 0..world {
            let shared = shared.clone();
            let thread = Thread {
                rank,
                world,
                shared,
            };
            scope.spawn(move || {
                let summary = run_with(recipe, resume, until, Arc::new(thread)).unwrap();
                assert_eq!(summary.model.is_some(), until.is_none());
            });
        }
    });
}

/// Why the second of so many processes does not begin, which waits for no other.
pub(crate) fn refused_by_one_of(world: usize, recipe: &Recipe) -> String {
    let shared = Arc::new((Barrier::new(1), Mutex::new(Vec::new())));
    let second = Arc::new(Thread {
        rank: 1,
        world,
        shared,
    });
    let told = run_with(recipe, Resume::Fresh, None, second);
    told.unwrap_err().to_string()
}

/// The state of an optimiser and the trained values at the end of a run.
pub(crate) fn state(recipe: &Recipe) -> Vec<(String, Vec<f32>)> {
    let last = format!("checkpoints/step-{}", recipe.schedule.steps);
    let files = ["optimiser.safetensors", "trained.safetensors"];
    let state = files.map(|file| recipe.run.join(&last).join(file));
    let mut found = Vec::new();
    for file in state {
        let tensors = Tensors::open(&[file]).unwrap();
        let mut names: Vec<&str> = tensors.names().collect();
        names.sort_unstable();
        found.extend(
            names
                .into_iter()
                .map(|name| (name.to_owned(), tensors.values(name).unwrap())),
        );
    }
    found
}

pub(crate) fn agree(one: &Recipe, other: &Recipe) {
    let (one, other) = (state(one), state(other));
    assert_eq!(one.len(), other.len());
    for ((name, a), (same, b)) in one.iter().zip(&other) {
        assert_eq!(name, same);
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < 2e-4 + 1e-3 * b.abs(), "{name}: {a} {b}");
        }
    }
}

/// The world's mixture, whose batches do not all divide by the number of processes.
fn mixture(world: &World) -> Recipe {
    let mut recipe = flamingo(world);
    recipe.optimiser.epsilon = 1e-3;
    recipe.schedule.steps = 4;
    recipe
}

#[test]
fn several_processes_train_as_one_does() {
    let world = with_parts();
    let mut alone = mixture(&world);
    run(&alone, Resume::Fresh, None).unwrap();
    for processes in [2, 3] {
        let mut recipe = mixture(&world);
        recipe.run = world.path(&format!("of-{processes}"));
        run_on(&recipe, processes, Resume::Fresh, None);
        agree(&recipe, &alone);
        assert_eq!(losses(&recipe.run).len(), losses(&alone.run).len());
    }
    // Of a stream, too.
    alone = streamed(&world);
    alone.optimiser.epsilon = 1e-3;
    alone.run = world.path("alone-streamed");
    run(&alone, Resume::Fresh, None).unwrap();
    let mut recipe = alone.clone();
    recipe.run = world.path("two-streamed");
    run_on(&recipe, 2, Resume::Fresh, None);
    agree(&recipe, &alone);
}

#[test]
fn a_run_goes_on_with_the_same_bits_and_with_another_number_of_processes() {
    let world = with_parts();
    let mut whole = mixture(&world);
    whole.run = world.path("whole");
    run_on(&whole, 2, Resume::Fresh, None);
    let mut stopped = mixture(&world);
    stopped.run = world.path("stopped");
    run_on(&stopped, 2, Resume::Fresh, Some(2));
    run_on(&stopped, 2, Resume::Newest, None);
    assert_eq!(state(&stopped), state(&whole));
    let mut moved = mixture(&world);
    moved.run = world.path("moved");
    run_on(&moved, 2, Resume::Fresh, Some(2));
    run_on(&moved, 3, Resume::Newest, None);
    agree(&moved, &whole);
}

#[test]
fn a_training_that_runs_in_one_process_says_so() {
    let world = World::new();
    let recipe = world.recipe(&language::recipe_text());
    let told = refused_by_one_of(2, &recipe);
    assert!(
        told.contains("a language training runs in one process"),
        "{told}"
    );
}
