//! The pictures of the training world: a pool from which pages, pairs and questions draw, so that
//! each picture is stored, and encoded, once.

use rand::Rng;

use crate::questions::QuestionKind;
use crate::rng::stream;
use crate::scene::{Scene, Subject};
use crate::things::{Thing, held_in};

/// The pool of a seed. Pictures are numbered; a number means the same picture in pools of all sizes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    pub(crate) seed: u64,
    /// Pictures of each thing alone.
    pub(crate) per_thing: usize,
    /// Scenes that questions are about, of all kinds in turn.
    pub(crate) scenes: usize,
}

/// A picture of the pool: where it lies, and what it shows.
pub(crate) struct Picture {
    /// The path from the world's folder.
    pub(crate) path: String,
    pub(crate) scene: Scene,
}

impl Pool {
    /// The picture number `number` of a thing alone.
    pub(crate) fn single(&self, thing: &'static Thing, number: usize) -> Picture {
        let index = ((thing.index() as u64) << 32) | number as u64;
        let mut rng = stream(self.seed, "single", index);
        Picture {
            path: format!("pictures/single/{}/{number}.png", thing.name),
            scene: Scene::draw(Subject::One(thing), &mut rng),
        }
    }

    /// The scene number `number`.
    pub(crate) fn scene(&self, number: usize) -> Picture {
        let mut rng = stream(self.seed, "scene", number as u64);
        Picture {
            path: format!("pictures/scenes/{number:06}.png"),
            scene: self.kind(number).draw_scene(held_in(), &mut rng),
        }
    }

    /// What the scene number `number` was made to be asked.
    pub(crate) fn kind(&self, number: usize) -> QuestionKind {
        QuestionKind::ALL[number % QuestionKind::ALL.len()]
    }

    /// A random picture of a thing alone.
    pub(crate) fn any_single(&self, thing: &'static Thing, rng: &mut impl Rng) -> Picture {
        self.single(thing, rng.random_range(0..self.per_thing))
    }

    /// A random scene of which this can be asked.
    pub(crate) fn any_scene(&self, kind: QuestionKind, rng: &mut impl Rng) -> Picture {
        let kinds = QuestionKind::ALL;
        let at = kinds.iter().position(|&other| other == kind);
        let row = rng.random_range(0..self.scenes / kinds.len());
        self.scene(row * kinds.len() + at.expect("every kind is among all kinds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_can_be_asked_what_it_was_picked_for() {
        let pool = Pool {
            seed: 5,
            per_thing: 3,
            scenes: 41,
        };
        for index in 0..50 {
            for kind in QuestionKind::ALL {
                let picture = pool.any_scene(kind, &mut stream(1, "test", index));
                assert!(!kind.candidates(&picture.scene).is_empty());
                assert!(*picture.path < *"pictures/scenes/000041.png");
            }
        }
    }
}
