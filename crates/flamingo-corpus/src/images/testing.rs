//! Pictures for tests.

use flamingo_image::{Image, PassOrder, resize_bicubic};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// Small numbers that look random.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) % u64::from(limit)) as u32
    }
}

/// A picture of a sky of colours with a dozen discs in front: another one for each seed.
pub(super) fn photo(seed: u64, width: u32, height: u32) -> Image {
    let mut numbers = Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let sky = [0; 6].map(|_| numbers.below(256) as f32);
    let discs = [(); 12].map(|()| {
        let place = [
            numbers.below(1000),
            numbers.below(1000),
            60 + numbers.below(200),
        ];
        let colour = [0; 3].map(|_| numbers.below(256) as u8);
        (place.map(|value| value as f32 / 1000.0), colour)
    });
    Image::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32 / width as f32, y as f32 / height as f32);
        let inside = |[cx, cy, r]: [f32; 3]| (x - cx).hypot(y - cy) < r;
        let disc = discs.iter().rev().find(|(place, _)| inside(*place));
        disc.map_or_else(
            || [0, 1, 2].map(|c| (sky[c] * (1.0 - y) + sky[c + 3] * y) as u8),
            |(_, colour)| *colour,
        )
    })
}

pub(super) fn jpeg(image: &Image, quality: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut file, quality);
    let written = encoder.write_image(
        &image.rgb,
        image.width,
        image.height,
        ExtendedColorType::Rgb8,
    );
    written.expect("a small picture can be written");
    file
}

pub(super) fn half(image: &Image) -> Image {
    resize_bicubic(
        image,
        image.width / 2,
        image.height / 2,
        PassOrder::default(),
    )
}

/// A PNG file whose header claims this size, with no picture behind it.
pub(super) fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    let mut file = Image::solid(3, 5, [7; 3]).to_png();
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    file
}
