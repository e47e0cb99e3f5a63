//! Scenes: what is in a picture, as data, and the picture made of it.

use flamingo_image::Image;
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};

use crate::drawing::{Canvas, Placement};
use crate::rng::hash;
use crate::things::Thing;
use crate::writing::Writing;

/// A background colour that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Its word.
    pub name: &'static str,
    /// Its red, green and blue.
    pub rgb: [u8; 3],
}

/// The backgrounds. They are softer than the drawings' own colours, so that a thing stands out even
/// on its own colour.
pub const COLOURS: [Colour; 8] = [
    colour("red", [226, 106, 104]),
    colour("orange", [240, 168, 92]),
    colour("yellow", [240, 226, 120]),
    colour("green", [128, 190, 116]),
    colour("blue", [110, 158, 226]),
    colour("purple", [166, 124, 206]),
    colour("pink", [244, 182, 210]),
    colour("gray", [150, 150, 150]),
];

const fn colour(name: &'static str, rgb: [u8; 3]) -> Colour {
    Colour { name, rgb }
}

/// Where in the picture a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the left edge.
    Left,
    /// At the right edge.
    Right,
    /// At the upper edge.
    Top,
    /// At the lower edge.
    Bottom,
}

impl Place {
    /// All places.
    pub const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Top, Self::Bottom];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Top => "top",
            Self::Bottom => "bottom",
        }
    }
}

/// The most copies of a thing in one picture.
pub const MAX_COUNT: usize = 4;

/// One copy of a thing; lengths are shares of the picture's side.
#[derive(Clone, Debug, PartialEq)]
pub struct Sprite {
    /// What it shows.
    pub thing: &'static Thing,
    /// Centre, from the left.
    pub x: f32,
    /// Centre, from the top.
    pub y: f32,
    /// Side of the drawing.
    pub size: f32,
    /// Clockwise, in radians.
    pub turn: f32,
    /// Mirrored.
    pub flip: bool,
}

/// A background: a colour, a slight gradient, a little noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Background {
    /// Its colour.
    pub colour: Colour,
    /// How much lighter the right and the lower edge are than the centre, of 255.
    pub slope: [f32; 2],
    /// Which noise.
    pub grain: u64,
}

/// What a scene shows besides its background.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Subject {
    /// One thing, anywhere.
    One(&'static Thing),
    /// Some copies of one thing, 1 to [`MAX_COUNT`].
    Several(&'static Thing, usize),
    /// One small thing at an edge.
    At(&'static Thing, Place),
    /// Two things side by side: the left one, the right one.
    Pair(&'static Thing, &'static Thing),
}

/// A picture as data: captions and answers are derived from it, not from pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// What it shows.
    pub subject: Subject,
    /// What is behind it.
    pub background: Background,
    /// Every copy of every thing, the topmost last.
    pub sprites: Vec<Sprite>,
    /// What is written over all of it.
    pub writing: Option<Writing>,
}

/// The sides of a lone thing: 22 to 44 pixels of 48.
const ONE_SIZE: (f32, f32) = (22.0 / 48.0, 44.0 / 48.0);
/// The sides of a thing that shares the picture.
const SHARED_SIZE: (f32, f32) = (17.0 / 48.0, 22.0 / 48.0);
/// The greatest turn either way: 20 degrees.
const MAX_TURN: f32 = 0.349;
/// Noise goes this far either way, of 255.
const GRAIN: f32 = 5.0;

impl Background {
    /// A random background.
    pub fn draw(rng: &mut impl Rng) -> Self {
        Self {
            colour: *COLOURS.choose(rng).expect("there are colours"),
            slope: [rng.random_range(-12.0..12.0), rng.random_range(-12.0..12.0)],
            grain: rng.random(),
        }
    }

    /// The background alone.
    fn canvas(&self, side: usize) -> Canvas {
        let share = |at: usize| (at as f32 + 0.5) / side as f32 * 2.0 - 1.0;
        let mut rgb = Vec::with_capacity(side * side);
        for at in 0..side * side {
            let light = self.slope[0] * share(at % side) + self.slope[1] * share(at / side);
            let noise = hash(self.grain.wrapping_add(at as u64)).to_le_bytes();
            rgb.push(std::array::from_fn(|k| {
                let noise = f32::from(noise[k]) / 127.5 - 1.0;
                f32::from(self.colour.rgb[k]) + light + GRAIN * noise
            }));
        }
        Canvas { side, rgb }
    }
}

impl Scene {
    /// A random scene of the subject.
    pub fn draw(subject: Subject, rng: &mut impl Rng) -> Self {
        let background = Background::draw(rng);
        let sprites = match subject {
            Subject::One(thing) => {
                let size = rng.random_range(ONE_SIZE.0..ONE_SIZE.1);
                let (x, y) = (anywhere(size, rng), anywhere(size, rng));
                vec![Sprite::draw(thing, [x, y], size, rng)]
            }
            Subject::Several(thing, count) => several(thing, count, rng),
            Subject::At(thing, place) => vec![at_place(thing, place, rng)],
            Subject::Pair(left, right) => vec![
                shared(left, [0.25, 0.5], [0.02, 0.2], rng),
                shared(right, [0.75, 0.5], [0.02, 0.2], rng),
            ],
        };
        Self {
            subject,
            background,
            sprites,
            writing: None,
        }
    }

    /// A small thing with a word above or below it.
    pub fn written(
        thing: &'static Thing,
        background: Background,
        word: &'static str,
        rng: &mut impl Rng,
    ) -> Self {
        let writing = Writing::draw(word, rng);
        let strip = if writing.on_top {
            Writing::height()
        } else {
            -Writing::height()
        };
        let sprite = shared(thing, [0.5, (1.0 + strip) / 2.0], [0.2, 0.05], rng);
        Self {
            subject: Subject::One(thing),
            background,
            sprites: vec![sprite],
            writing: Some(writing),
        }
    }

    /// The picture, `side` pixels wide and high.
    pub fn render(&self, side: u32) -> Image {
        let mut canvas = self.background.canvas(side as usize);
        for sprite in &self.sprites {
            sprite.lay(&mut canvas);
        }
        if let Some(writing) = &self.writing {
            writing.lay(&mut canvas);
        }
        let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
        Image::from_fn(side, side, |x, y| {
            canvas.rgb[y as usize * canvas.side + x as usize].map(byte)
        })
    }
}

impl Sprite {
    fn draw(thing: &'static Thing, [x, y]: [f32; 2], size: f32, rng: &mut impl Rng) -> Self {
        Self {
            thing,
            x,
            y,
            size,
            turn: rng.random_range(-MAX_TURN..MAX_TURN),
            flip: rng.random(),
        }
    }

    fn lay(&self, canvas: &mut Canvas) {
        let side = canvas.side as f32;
        let at = Placement {
            x: self.x * side,
            y: self.y * side,
            size: self.size * side,
            turn: self.turn,
            flip: self.flip,
        };
        canvas.lay(self.thing.drawing(), at);
    }
}

/// A centre such that a thing of this size stays inside.
fn anywhere(size: f32, rng: &mut impl Rng) -> f32 {
    rng.random_range(size / 2.0..=1.0 - size / 2.0)
}

/// A small thing near `centre`, at most `jitter` away in each direction.
fn shared(thing: &'static Thing, centre: [f32; 2], jitter: [f32; 2], rng: &mut impl Rng) -> Sprite {
    let size = rng.random_range(SHARED_SIZE.0..SHARED_SIZE.1);
    let x = centre[0] + rng.random_range(-jitter[0]..=jitter[0]);
    let y = centre[1] + rng.random_range(-jitter[1]..=jitter[1]);
    Sprite::draw(thing, [x, y], size, rng)
}

/// Copies in different quarters of the picture, so that they can be counted.
fn several(thing: &'static Thing, count: usize, rng: &mut impl Rng) -> Vec<Sprite> {
    assert!(
        (1..=MAX_COUNT).contains(&count),
        "a scene has 1 to {MAX_COUNT} copies of a thing, not {count}"
    );
    let mut quarters = [[0.26, 0.26], [0.74, 0.26], [0.26, 0.74], [0.74, 0.74]];
    quarters.shuffle(rng);
    let place = |centre: &[f32; 2]| shared(thing, *centre, [0.03, 0.03], rng);
    quarters[..count].iter().map(place).collect()
}

/// A small thing in the middle of one edge.
fn at_place(thing: &'static Thing, place: Place, rng: &mut impl Rng) -> Sprite {
    let centre = match place {
        Place::Left => [0.24, 0.5],
        Place::Right => [0.76, 0.5],
        Place::Top => [0.5, 0.24],
        Place::Bottom => [0.5, 0.76],
    };
    shared(thing, centre, [0.03, 0.03], rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use crate::things::things;

    fn scene(subject: Subject, index: u64) -> Scene {
        Scene::draw(subject, &mut stream(3, "test", index))
    }

    #[test]
    fn a_scene_is_the_same_picture_every_time() {
        let subject = Subject::One(&things()[7]);
        assert_eq!(scene(subject, 5).render(31), scene(subject, 5).render(31));
        assert_ne!(scene(subject, 5).render(31), scene(subject, 6).render(31));
    }

    #[test]
    fn lone_things_stay_inside_of_the_picture() {
        for index in 0..200 {
            let scene = scene(Subject::One(&things()[index % 11]), index as u64);
            let sprite = &scene.sprites[0];
            for centre in [sprite.x, sprite.y] {
                assert!(centre - sprite.size / 2.0 >= -1e-6);
                assert!(centre + sprite.size / 2.0 <= 1.0 + 1e-6);
            }
        }
    }

    #[test]
    fn copies_of_a_thing_hardly_overlap() {
        for index in 0..100 {
            let count = 1 + index as usize % MAX_COUNT;
            let scene = scene(Subject::Several(&things()[13], count), index);
            assert_eq!(scene.sprites.len(), count);
            for (k, a) in scene.sprites.iter().enumerate() {
                for b in &scene.sprites[..k] {
                    let apart = (a.x - b.x).abs().max((a.y - b.y).abs());
                    assert!(apart > 0.9 * (a.size + b.size) / 2.0);
                }
            }
        }
    }

    #[test]
    fn a_thing_at_an_edge_is_nearer_to_it_than_to_any_other() {
        for (index, place) in (0..).zip(Place::ALL) {
            let sprite = &scene(Subject::At(&things()[13], place), index).sprites[0];
            let to_edges = [sprite.x, 1.0 - sprite.x, sprite.y, 1.0 - sprite.y];
            let nearest = (0..4).min_by(|&a, &b| to_edges[a].total_cmp(&to_edges[b]));
            assert_eq!(nearest, Place::ALL.iter().position(|&p| p == place));
        }
    }

    #[test]
    fn a_picture_has_its_background_in_a_corner_and_the_thing_in_the_middle() {
        let picture = scene(Subject::At(&things()[13], Place::Left), 2).render(47);
        let colour = scene(Subject::At(&things()[13], Place::Left), 2)
            .background
            .colour;
        for (value, wanted) in picture.pixel(46, 46).into_iter().zip(colour.rgb) {
            assert!(value.abs_diff(wanted) <= 30);
        }
    }
}
