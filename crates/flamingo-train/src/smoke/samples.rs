//! Samples that are made: pictures and films of the demo world with what they show.

use std::fmt;

use flamingo_data::stream;
use flamingo_image::{Film, Image};
use flamingo_sequence::{Document, Part};
use flamingo_world::{
    FilmScene, Motion, Scene, Subject, description, film_caption, full_caption, held_in,
};
use image::codecs::gif::GifEncoder;
use image::{Delay, Frame, RgbImage};
use rand_chacha::ChaCha8Rng;

/// What the samples of a source are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Page,
    Pair,
    Film,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Kind::Page => "pages with pictures",
            Kind::Pair => "pictures with captions",
            Kind::Film => "films with captions",
        };
        write!(f, "{SAMPLES} made-up {what}")
    }
}

/// Samples of a shard.
const SAMPLES: usize = 12;

/// Pictures of a page.
const PICTURES: usize = 6;

/// Height and width of a picture, in pixels.
const SIDE: u32 = 48;

/// A WebDataset shard of such samples.
pub(super) fn shard(kind: Kind, seed: u64) -> Vec<u8> {
    let mut tar = Tar(tar::Builder::new(Vec::new()));
    for number in 0..SAMPLES {
        let mut rng = stream(seed, "stand-ins", &[kind as u64, number as u64]);
        let key = format!("{number:04}");
        match kind {
            Kind::Pair => {
                let scene = scene(number, &mut rng);
                tar.add(&format!("{key}.png"), &scene.render(SIDE).to_png());
                tar.add(&format!("{key}.txt"), full_caption(&scene).as_bytes());
            }
            Kind::Page => {
                let mut parts = Vec::new();
                for picture in 0..PICTURES {
                    let scene = scene(number * PICTURES + picture, &mut rng);
                    let name = format!("{key}.{picture}.png");
                    tar.add(&name, &scene.render(SIDE).to_png());
                    parts.push(Part::Image(name));
                    parts.push(Part::Text(description(&scene)));
                }
                tar.document(&key, parts);
            }
            Kind::Film => {
                let (thing, motion) = (thing(number), Motion::ALL[number % Motion::ALL.len()]);
                let film = FilmScene::draw(thing, motion, &mut rng);
                let name = format!("{key}.0.gif");
                tar.add(&name, &gif(&film.render(SIDE)));
                let said = Part::Text(film_caption(&film));
                tar.document(&key, vec![Part::Video(name), said]);
            }
        }
    }
    tar.0.into_inner().expect("memory can be written")
}

fn thing(number: usize) -> &'static flamingo_world::Thing {
    held_in()[number % held_in().len()]
}

fn scene(number: usize, rng: &mut ChaCha8Rng) -> Scene {
    Scene::draw(Subject::One(thing(number)), rng)
}

/// The film, a frame a second.
fn gif(film: &Film) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for Image {
        width, height, rgb, ..
    } in &film.frames
    {
        let picture = RgbImage::from_raw(*width, *height, rgb.clone()).expect("whole rows");
        let picture = image::DynamicImage::from(picture).into_rgba8();
        let second = Delay::from_numer_denom_ms(1000, 1);
        let frame = Frame::from_parts(picture, 0, 0, second);
        encoder.encode_frame(frame).expect("memory can be written");
    }
    drop(encoder);
    bytes
}

struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    fn add(&mut self, name: &str, bytes: &[u8]) {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        let added = self.0.append_data(&mut header, name, bytes);
        added.expect("memory can be written");
    }

    fn document(&mut self, key: &str, parts: Vec<Part>) {
        let document = Document::new(parts);
        let json = serde_json::to_vec(&document).expect("a document is plain data");
        self.add(&format!("{key}.json"), &json);
    }
}
