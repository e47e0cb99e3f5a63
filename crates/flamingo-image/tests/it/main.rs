//! Files of every kind, goldens, and bytes that mean harm.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod animations;
mod formats;
mod gif;
mod goldens;
mod hostile;
mod jpeg;
mod luma;
mod memory;
mod png;
mod probe;
mod resize;
mod transparency;

use std::path::PathBuf;

use flamingo_image::{Film, Image, Limits, Media, load};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn image(name: &str) -> Image {
    match load(fixture(name), &Limits::default()).unwrap() {
        Media::Image(image) => image,
        Media::Film(_) => panic!("{name} is a film"),
    }
}

fn film(name: &str) -> Film {
    match load(fixture(name), &Limits::default()).unwrap() {
        Media::Film(film) => film,
        Media::Image(_) => panic!("{name} is a still picture"),
    }
}

/// A gradient with hard, noisy spots; `picture` in `../fixtures/make.py` is the same.
fn picture(width: u32, height: u32) -> Image {
    Image::from_fn(width, height, |x, y| {
        let noise = (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761) >> 24;
        let r = if (x + y) % 5 == 0 {
            noise
        } else {
            255 * x / (width - 1)
        };
        let g = if (x * y) % 7 == 0 {
            255 - noise
        } else {
            255 * y / (height - 1)
        };
        let b = if x % 3 == 0 {
            noise / 2 + 128
        } else {
            noise / 4
        };
        [r as u8, g as u8, b as u8]
    })
}
