//! Pictures as `data:` URLs, and the light that shows where the model looked.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flamingo_engine::Look;
use flamingo_image::{Image, Media};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageFormat, Rgba, RgbaImage};

use super::escape::escape;

/// What pictures are of, which says how they are written into the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To the pixel, and enlarged as such.
    Drawing,
    /// As JPEG, and smooth.
    Photo,
}

/// Of a photo's JPEG.
const QUALITY: u8 = 82;

/// An `<img>` of a picture.
pub(super) fn picture(image: &Image, alt: &str, kind: Kind) -> String {
    let alt = escape(alt);
    let jpeg = match kind {
        Kind::Drawing => None,
        // One that is too large for a JPEG is a PNG.
        Kind::Photo => jpeg(image),
    };
    match jpeg {
        Some(jpeg) => {
            let data = STANDARD.encode(jpeg);
            format!(
                "<img class=\"picture photo\" src=\"data:image/jpeg;base64,{data}\" alt=\"{alt}\">"
            )
        }
        None => {
            let url = png_url(&image.to_png());
            format!("<img class=\"picture\" src=\"{url}\" alt=\"{alt}\">")
        }
    }
}

/// The frames of a medium.
pub(super) fn frames(medium: &Media) -> &[Image] {
    match medium {
        Media::Image(image) => std::slice::from_ref(image),
        Media::Film(film) => &film.frames,
    }
}

/// A picture with a veil over it that is thin where the model looked at frame `frame`.
pub(super) fn looked_at(image: &Image, look: &Look, frame: usize, kind: Kind) -> String {
    let positions = look.side * look.side;
    let Some(weights) = look.weights.get(frame * positions..(frame + 1) * positions) else {
        return picture(image, "the picture", kind);
    };
    let highest = look
        .weights
        .iter()
        .copied()
        .fold(f32::MIN_POSITIVE, f32::max);
    let veil = png_url(&veil(weights, look.side, highest));
    let below = picture(
        image,
        "where the model looked: the brighter, the more",
        kind,
    );
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

/// The picture as a JPEG, on white where it lets a background through; none if it is too large for one.
fn jpeg(image: &Image) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let shown = image.on_white();
    let encoder = JpegEncoder::new_with_quality(&mut file, QUALITY);
    let written = encoder.write_image(
        &shown.rgb,
        shown.width,
        shown.height,
        ExtendedColorType::Rgb8,
    );
    written.is_ok().then_some(file)
}

fn png_url(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_is_a_jpeg_near_the_picture_and_what_is_transparent_is_on_white() {
        let photo = Image::from_fn(37, 23, |x, y| [(x * 5) as u8, (y * 9) as u8, 90]);
        let read = |image: &Image| {
            let file = jpeg(image).expect("small enough");
            image::load_from_memory(&file).expect("a JPEG").to_rgb8()
        };
        let far = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(far(read(&photo).as_raw(), &photo.rgb) < Some(40));
        let clear = Image {
            alpha: Some(vec![0; 37 * 23]),
            ..photo
        };
        assert!(read(&clear).as_raw().iter().all(|value| *value > 250));
        assert!(picture(&clear, "", Kind::Photo).contains("data:image/jpeg;base64,"));
        assert!(picture(&clear, "", Kind::Drawing).contains("data:image/png;base64,"));
    }

    #[test]
    fn the_veil_is_clear_at_the_largest_weight_and_darkest_at_none() {
        let png = veil(&[0.0, 0.5, 0.25, 0.0], 2, 0.5);
        let veil = image::load_from_memory(&png).expect("a PNG").to_rgba8();
        let alphas: Vec<u8> = veil.pixels().map(|pixel| pixel[3]).collect();
        assert_eq!(alphas, [225, 0, 112, 225]);
    }
}
