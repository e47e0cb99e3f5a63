//! One picture in memory.

use std::borrow::Cow;

use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, GrayImage, ImageEncoder, RgbImage};

use crate::error::{Error, Result};

/// An 8-bit RGB picture, rows from top to bottom, pixels from left to right, with or without
/// transparency.
///
/// Its sides are at least 1 and `rgb.len() == 3 * width * height`; [`Image::new`] checks it. Two
/// pictures are equal if their pixels are.
#[derive(Clone)]
pub struct Image {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Red, green, blue of each pixel, not multiplied by its opacity.
    pub rgb: Vec<u8>,
    /// Opacity of each pixel, where some are not opaque (255).
    pub alpha: Option<Vec<u8>>,
    /// How the file holds it.
    pub stored: Stored,
}

/// What of a file its pixels alone do not tell, and other programs go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The EXIF orientation, 1 to 8, that the picture was turned by.
    pub orientation: u8,
    /// What its pixels are.
    pub mode: Mode,
}

/// What the pixels of a file are, which says how Pillow resizes them where nothing is done before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Shades or colours; one of them may count as transparent.
    #[default]
    Colours,
    /// Shades or colours, each with its opacity.
    WithAlpha,
    /// Places in a list of colours, or black and white alone.
    Indexed,
}

impl Default for Stored {
    /// Upright colours.
    fn default() -> Self {
        Self {
            orientation: 1,
            mode: Mode::default(),
        }
    }
}

impl Image {
    /// An opaque picture of the given pixels.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if a side is 0 or `rgb` has not `3 * width * height` bytes.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self> {
        let bytes = u128::from(width) * u128::from(height) * 3;
        if bytes == 0 || rgb.len() as u128 != bytes {
            let bytes = rgb.len();
            return Err(Error::Shape {
                width,
                height,
                bytes,
            });
        }
        Ok(Self::of(width, height, rgb))
    }

    /// Of pixels that are known to fill the sides.
    pub(crate) fn of(width: u32, height: u32, rgb: Vec<u8>) -> Self {
        Self {
            width,
            height,
            rgb,
            alpha: None,
            stored: Stored::default(),
        }
    }

    /// Of pixels that are known to fill the sides, with their opacities.
    pub(crate) fn of_rgba(width: u32, height: u32, pixels: &[[u8; 4]]) -> Self {
        let mut rgb = vec![0; 3 * pixels.len()];
        for (to, &[r, g, b, _]) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
            *to = [r, g, b];
        }
        let image = Self::of(width, height, rgb);
        match pixels.iter().all(|pixel| pixel[3] == 255) {
            true => image,
            false => image.with_alpha(pixels.iter().map(|pixel| pixel[3]).collect()),
        }
    }

    /// The picture with these opacities; none are kept if all are 255.
    pub(crate) fn with_alpha(mut self, alpha: Vec<u8>) -> Self {
        debug_assert_eq!(3 * alpha.len(), self.rgb.len());
        self.alpha = alpha.iter().any(|&value| value < 255).then_some(alpha);
        self
    }

    /// Whether no pixel lets a background through.
    pub fn is_opaque(&self) -> bool {
        self.alpha.is_none()
    }

    /// All that tells the picture from others, piece by piece: for a hash.
    pub fn identity(&self, mut piece: impl FnMut(&[u8])) {
        piece(&self.width.to_le_bytes());
        piece(&self.rgb);
        if let Some(alpha) = &self.alpha {
            piece(b"alpha");
            piece(alpha);
        }
        if self.stored != Stored::default() {
            piece(&[self.stored.orientation, self.stored.mode as u8]);
        }
    }

    /// The picture laid on white paper, rounded as Pillow's `alpha_composite`.
    pub fn on_white(&self) -> Cow<'_, Image> {
        let Some(alpha) = &self.alpha else {
            return Cow::Borrowed(self);
        };
        let mut rgb = self.rgb.clone();
        for (pixel, &alpha) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(alpha) {
            *pixel = pixel.map(|value| on_white(value, alpha));
        }
        let mut image = Self::of(self.width, self.height, rgb);
        image.stored = self.stored;
        Cow::Owned(image)
    }

    /// Width and height as the file holds the picture.
    pub(crate) fn stored_sides(&self) -> [u32; 2] {
        match self.stored.orientation {
            5..=8 => [self.height, self.width],
            _ => [self.width, self.height],
        }
    }

    /// The picture as the file holds it: not turned.
    pub(crate) fn as_stored(&self) -> Cow<'_, Image> {
        // The two quarter turns undo each other, all else itself.
        let undo = match self.stored.orientation {
            6 => Orientation::Rotate270,
            8 => Orientation::Rotate90,
            other => Orientation::from_exif(other).unwrap_or(Orientation::NoTransforms),
        };
        if undo == Orientation::NoTransforms {
            return Cow::Borrowed(self);
        }
        let mut image = self.turned(undo);
        image.stored.orientation = 1;
        Cow::Owned(image)
    }

    /// The picture turned as its EXIF orientation says.
    pub(crate) fn upright(self, orientation: Orientation) -> Self {
        if orientation == Orientation::NoTransforms {
            return self;
        }
        let mut image = self.turned(orientation);
        image.stored.orientation = orientation.to_exif();
        image
    }

    fn turned(&self, by: Orientation) -> Self {
        const FILLS: &str = "a picture's bytes fill its sides";
        let rgb = RgbImage::from_raw(self.width, self.height, self.rgb.clone()).expect(FILLS);
        let mut rgb = DynamicImage::ImageRgb8(rgb);
        rgb.apply_orientation(by);
        let alpha = self.alpha.as_ref().map(|alpha| {
            let alpha = GrayImage::from_raw(self.width, self.height, alpha.clone()).expect(FILLS);
            let mut alpha = DynamicImage::ImageLuma8(alpha);
            alpha.apply_orientation(by);
            alpha.into_luma8().into_raw()
        });
        Self {
            width: rgb.width(),
            height: rgb.height(),
            rgb: rgb.into_rgb8().into_raw(),
            alpha,
            stored: self.stored,
        }
    }

    /// A picture whose pixel at column `x` and row `y` is `color(x, y)`.
    ///
    /// # Panics
    ///
    /// If a side is 0.
    pub fn from_fn(width: u32, height: u32, mut color: impl FnMut(u32, u32) -> [u8; 3]) -> Self {
        assert!(
            width > 0 && height > 0,
            "a picture of {width}x{height} has no pixels"
        );
        let mut rgb = Vec::with_capacity(3 * width as usize * height as usize);
        for y in 0..height {
            for x in 0..width {
                rgb.extend_from_slice(&color(x, y));
            }
        }
        Self::of(width, height, rgb)
    }

    /// A picture of one colour.
    ///
    /// # Panics
    ///
    /// If a side is 0.
    pub fn solid(width: u32, height: u32, color: [u8; 3]) -> Self {
        Self::from_fn(width, height, |_, _| color)
    }

    /// The colour at column `x` and row `y`.
    ///
    /// # Panics
    ///
    /// If the pixel lies outside of the picture.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        assert!(
            x < self.width && y < self.height,
            "pixel ({x}, {y}) lies outside of a picture of {}x{}",
            self.width,
            self.height
        );
        let at = 3 * (y as usize * self.width as usize + x as usize);
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// The picture as a PNG file; the same bytes every time.
    pub fn to_png(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let colour = match &self.alpha {
            Some(_) => ExtendedColorType::Rgba8,
            None => ExtendedColorType::Rgb8,
        };
        PngEncoder::new(&mut file)
            .write_image(&self.bytes(), self.width, self.height, colour)
            .expect("a picture's bytes fill its sides, and memory takes any number of them");
        file
    }

    /// Red, green, blue of each pixel and, where some are not opaque, their opacity.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        let Some(alpha) = &self.alpha else {
            return Cow::Borrowed(&self.rgb);
        };
        let pixels = self.rgb.as_chunks::<3>().0.iter().zip(alpha);
        Cow::Owned(
            pixels
                .flat_map(|(&[r, g, b], &alpha)| [r, g, b, alpha])
                .collect(),
        )
    }
}

impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.height) == (other.width, other.height)
            && self.rgb == other.rgb
            && self.alpha == other.alpha
    }
}

impl Eq for Image {}

/// A value under its opacity on white: the sum of both in 7 more bits, then divided by 255.
fn on_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    let sum = (value * alpha + 255 * (255 - alpha) + 128) << 7;
    ((((sum >> 8) + sum) >> 8) >> 7) as u8
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}x{})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Limits, Media, decode};

    #[test]
    fn pixels_that_do_not_fill_the_sides_are_refused() {
        for (width, height, bytes) in [(2, 3, 17), (2, 3, 19), (0, 3, 0), (u32::MAX, u32::MAX, 3)] {
            let error = Image::new(width, height, vec![0; bytes]).unwrap_err();
            assert!(
                error.to_string().contains(&format!("{bytes} bytes")),
                "{error}"
            );
        }
        assert!(Image::new(2, 3, vec![0; 18]).is_ok());
    }

    #[test]
    fn a_turned_picture_can_be_had_as_it_was_stored() {
        let mut image = Image::from_fn(5, 3, |x, y| [x as u8 * 30, y as u8 * 50, 9]);
        image.alpha = Some((0..15).map(|value| value * 17).collect());
        for tag in 1..=8 {
            let orientation = Orientation::from_exif(tag).unwrap();
            let upright = image.clone().upright(orientation);
            assert_eq!(upright.stored.orientation, tag);
            assert!(*upright.as_stored() == image, "{tag}");
        }
    }

    #[test]
    fn paper_shows_through_as_much_as_a_pixel_lets_it() {
        let mut image = Image::solid(4, 1, [200, 40, 20]);
        image.alpha = Some(vec![0, 51, 128, 255]);
        let laid = image.on_white();
        let pixels: Vec<_> = (0..4).map(|x| laid.pixel(x, 0)).collect();
        assert_eq!(
            pixels,
            [[255; 3], [244, 212, 208], [227, 147, 137], [200, 40, 20]]
        );
        assert!(laid.is_opaque());
    }

    #[test]
    fn whatever_a_model_may_see_otherwise_tells_pictures_apart() {
        let plain = Image::solid(3, 2, [7; 3]);
        let clear = plain.clone().with_alpha(vec![0; 6]);
        let half = plain.clone().with_alpha(vec![128; 6]);
        let mut turned = plain.clone();
        turned.stored.orientation = 3;
        let mut indexed = plain.clone();
        indexed.stored.mode = Mode::Indexed;
        let wide = Image::solid(2, 3, [7; 3]);
        let all = [plain, clear, half, turned, indexed, wide].map(|image| {
            let mut whole = Vec::new();
            image.identity(|piece| whole.extend_from_slice(piece));
            whole
        });
        for (k, one) in all.iter().enumerate() {
            assert!(!all[..k].contains(one), "{k}");
        }
    }

    #[test]
    fn a_png_written_is_the_picture_read() {
        let image = Image::from_fn(7, 5, |x, y| [x as u8 * 30, y as u8 * 50, 9]);
        assert_eq!(image.pixel(6, 4), [180, 200, 9]);
        let read = decode(&image.to_png(), "own.png", &Limits::default()).unwrap();
        assert_eq!(read, Media::Image(image));
    }
}
