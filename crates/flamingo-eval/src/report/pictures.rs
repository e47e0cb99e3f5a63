//! Pictures as `data:` URLs, and the light that shows where the model looked.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flamingo_engine::Look;
use flamingo_image::{Image, Media};
use image::{ImageFormat, Rgba, RgbaImage};

use super::escape::escape;

/// An `<img>` of a picture.
pub(super) fn picture(image: &Image, alt: &str) -> String {
    format!(
        "<img class=\"picture\" src=\"{}\" alt=\"{}\">",
        png_url(&image.to_png()),
        escape(alt)
    )
}

/// The frames of a medium.
pub(super) fn frames(medium: &Media) -> &[Image] {
    match medium {
        Media::Image(image) => std::slice::from_ref(image),
        Media::Film(film) => &film.frames,
    }
}

/// A picture with a veil over it that is thin where the model looked at frame `frame`.
pub(super) fn looked_at(image: &Image, look: &Look, frame: usize) -> String {
    let positions = look.side * look.side;
    let Some(weights) = look.weights.get(frame * positions..(frame + 1) * positions) else {
        return picture(image, "the picture");
    };
    let highest = look
        .weights
        .iter()
        .copied()
        .fold(f32::MIN_POSITIVE, f32::max);
    let veil = png_url(&veil(weights, look.side, highest));
    let below = picture(image, "where the model looked: the brighter, the more");
    format!("<span class=\"looked\">{below}<img class=\"veil\" src=\"{veil}\" alt=\"\"></span>")
}

/// A dark PNG, one pixel a position, the clearer the larger the weight. The browser smooths it.
fn veil(weights: &[f32], side: usize, highest: f32) -> Vec<u8> {
    const DARKEST: f32 = 225.0;
    let pixel = |x: u32, y: u32| {
        let weight = weights[y as usize * side + x as usize] / highest;
        Rgba([8, 8, 24, (DARKEST * (1.0 - weight).clamp(0.0, 1.0)) as u8])
    };
    let mut png = Cursor::new(Vec::new());
    RgbaImage::from_fn(side as u32, side as u32, pixel)
        .write_to(&mut png, ImageFormat::Png)
        .expect("writing a PNG to memory does not fail");
    png.into_inner()
}

fn png_url(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_veil_is_clear_at_the_largest_weight_and_darkest_at_none() {
        let png = veil(&[0.0, 0.5, 0.25, 0.0], 2, 0.5);
        let veil = image::load_from_memory(&png).expect("a PNG").to_rgba8();
        let alphas: Vec<u8> = veil.pixels().map(|pixel| pixel[3]).collect();
        assert_eq!(alphas, [225, 0, 112, 225]);
    }
}
