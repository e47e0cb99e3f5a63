//! Films: a thing that moves, grows, shrinks or turns.

use std::f32::consts::TAU;

use flamingo_image::{Film, Image};
use rand::Rng;

use crate::scene::{Background, Scene, Sprite, Subject};
use crate::things::Thing;

/// What a thing does in a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// From the right edge to the left.
    Left,
    /// From the left edge to the right.
    Right,
    /// From the bottom to the top.
    Up,
    /// From the top to the bottom.
    Down,
    /// From small to large.
    Grows,
    /// From large to small.
    Shrinks,
    /// Most of a full turn, in either direction.
    Turns,
}

impl Motion {
    /// All motions.
    pub const ALL: [Self; 7] = [
        Self::Left,
        Self::Right,
        Self::Up,
        Self::Down,
        Self::Grows,
        Self::Shrinks,
        Self::Turns,
    ];

    /// What is said of the thing: `moves left`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Left => "moves left",
            Self::Right => "moves right",
            Self::Up => "moves up",
            Self::Down => "moves down",
            Self::Grows => "grows",
            Self::Shrinks => "shrinks",
            Self::Turns => "turns",
        }
    }
}

/// Frames of a film, each a step of the rate at which a model sees films.
pub const FRAMES: usize = 8;

/// A film as data.
#[derive(Clone, Debug, PartialEq)]
pub struct FilmScene {
    /// What moves.
    pub thing: &'static Thing,
    /// What it does.
    pub motion: Motion,
    /// What is behind it.
    pub background: Background,
    /// The thing in each of the [`FRAMES`] frames.
    pub sprites: Vec<Sprite>,
}

/// Where a path begins and ends: a share of the picture's side.
const PATH: (f32, f32) = (0.8, 0.2);
/// The sides between which a thing grows or shrinks.
const SIZES: (f32, f32) = (0.3, 0.85);

impl FilmScene {
    /// A random film of the thing in this motion.
    pub fn draw(thing: &'static Thing, motion: Motion, rng: &mut impl Rng) -> Self {
        let background = Background::draw(rng);
        let still = Sprite {
            thing,
            x: rng.random_range(0.42..0.58),
            y: rng.random_range(0.42..0.58),
            size: rng.random_range(0.42..0.62),
            turn: rng.random_range(-0.3..0.3),
            flip: rng.random(),
        };
        let reach: f32 = rng.random_range(0.8..1.0);
        let direction = if rng.random() { 1.0 } else { -1.0 };
        let frame = |k: usize| {
            let time = k as f32 / (FRAMES - 1) as f32;
            moved(&still, motion, time, reach * direction)
        };
        Self {
            thing,
            motion,
            background,
            sprites: (0..FRAMES).map(frame).collect(),
        }
    }

    /// The frames, each `side` pixels wide and high.
    pub fn render(&self, side: u32) -> Film {
        let frame = |sprite: &Sprite| -> Image {
            Scene {
                subject: Subject::One(self.thing),
                background: self.background.clone(),
                sprites: vec![sprite.clone()],
                writing: None,
            }
            .render(side)
        };
        Film {
            frames: self.sprites.iter().map(frame).collect(),
            timeline: None,
        }
    }
}

/// The thing at `time`, 0 to 1, of its motion; `reach` says how far it goes, its sign which way
/// round it turns.
fn moved(still: &Sprite, motion: Motion, time: f32, reach: f32) -> Sprite {
    let mut sprite = still.clone();
    let between = |(from, to): (f32, f32), time: f32| {
        let middle = (from + to) / 2.0;
        middle + (from - to) * (0.5 - time) * reach.abs()
    };
    match motion {
        Motion::Left => sprite.x = between(PATH, time),
        Motion::Right => sprite.x = between(PATH, 1.0 - time),
        Motion::Up => sprite.y = between(PATH, time),
        Motion::Down => sprite.y = between(PATH, 1.0 - time),
        Motion::Grows => sprite.size = between(SIZES, time),
        Motion::Shrinks => sprite.size = between(SIZES, 1.0 - time),
        Motion::Turns => sprite.turn += reach * 0.75 * TAU * time,
    }
    sprite
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use crate::things::things;

    fn film(motion: Motion) -> FilmScene {
        FilmScene::draw(&things()[17], motion, &mut stream(5, "test", 2))
    }

    #[test]
    fn each_motion_changes_what_its_words_say() {
        let travel = |motion, get: fn(&Sprite) -> f32| {
            let film = film(motion);
            get(&film.sprites[FRAMES - 1]) - get(&film.sprites[0])
        };
        assert!(travel(Motion::Left, |s| s.x) < -0.4);
        assert!(travel(Motion::Right, |s| s.x) > 0.4);
        assert!(travel(Motion::Up, |s| s.y) < -0.4);
        assert!(travel(Motion::Down, |s| s.y) > 0.4);
        assert!(travel(Motion::Grows, |s| s.size) > 0.4);
        assert!(travel(Motion::Shrinks, |s| s.size) < -0.4);
        assert!(travel(Motion::Turns, |s| s.turn).abs() > 3.0);
    }

    #[test]
    fn a_film_has_eight_frames_over_one_background() {
        let film = film(Motion::Up).render(23);
        assert_eq!((film.frames.len(), film.timeline), (FRAMES, None));
        assert!(film.frames.windows(2).all(|pair| pair[0] != pair[1]));
        let corners: Vec<_> = film.frames.iter().map(|frame| frame.pixel(0, 0)).collect();
        assert!(corners.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
