//! One picture in memory.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::error::{Error, Result};

/// An 8-bit RGB picture, rows from top to bottom, pixels from left to right.
///
/// Its sides are at least 1 and `rgb.len() == 3 * width * height`; [`Image::new`] checks it.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Red, green, blue of each pixel.
    pub rgb: Vec<u8>,
}

impl Image {
    /// A picture of the given pixels.
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
        Ok(Self { width, height, rgb })
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
        Self { width, height, rgb }
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
        PngEncoder::new(&mut file)
            .write_image(&self.rgb, self.width, self.height, ExtendedColorType::Rgb8)
            .expect("a picture's bytes fill its sides, and memory takes any number of them");
        file
    }
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
    fn a_png_written_is_the_picture_read() {
        let image = Image::from_fn(7, 5, |x, y| [x as u8 * 30, y as u8 * 50, 9]);
        assert_eq!(image.pixel(6, 4), [180, 200, 9]);
        let read = decode(&image.to_png(), "own.png", &Limits::default()).unwrap();
        assert_eq!(read, Media::Image(image));
    }
}
