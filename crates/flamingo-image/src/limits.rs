//! How much a file may ask for before it is refused.

use crate::bound::Bound;
use crate::error::{Error, Result};

/// Bounds on files and pictures, checked before anything of that size is allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest side of a picture, in pixels.
    pub max_side: u32,
    /// Width times height of one picture.
    pub max_pixels: u64,
    /// Size of one file.
    pub max_bytes: u64,
    /// Frames of one film that are kept.
    pub max_frames: usize,
    /// Pixels of all frames of one film together that are kept (3 bytes of memory each).
    pub max_film_pixels: u64,
    /// A JPEG that goes beyond the bounds of sides and pixels is read at a half, a quarter or an eighth
    /// of its size, so that it fits, if its shorter side keeps at least so many pixels: those that
    /// libjpeg gives at that scale (Pillow's `Image.draft`). Never, if 0. What fits is never reduced.
    pub reduce_to: u32,
}

impl Default for Limits {
    /// 64 megapixels with sides up to 20,000, files of 256 MiB, films of 4,096 frames and 256
    /// megapixels in all.
    fn default() -> Self {
        Self {
            max_side: 20_000,
            max_pixels: 64_000_000,
            max_bytes: 256 << 20,
            max_frames: 4096,
            max_film_pixels: 256_000_000,
            reduce_to: 0,
        }
    }
}

impl Limits {
    /// The default limits with another number of pixels of one picture. What goes beyond the default
    /// allows sides of any length and as many pixels in all frames of a film.
    ///
    /// A picture takes 4.5 bytes of memory a pixel while a JPEG is read (9 if that is progressive), 8
    /// if it is a PNG or WebP with transparency.
    pub fn of_pixels(max_pixels: u64) -> Self {
        let default = Self::default();
        Self {
            max_side: match max_pixels > default.max_pixels {
                true => u32::MAX,
                false => default.max_side,
            },
            max_pixels,
            max_film_pixels: default.max_film_pixels.max(max_pixels),
            ..default
        }
    }

    /// Refuses a file of more than `max_bytes`.
    pub(crate) fn check_bytes(&self, name: &str, bytes: u64) -> Result<()> {
        within(name, Bound::Bytes, bytes, self.max_bytes)
    }

    /// By what a picture is divided so that it fits, where it may be reduced: 1, 2, 4 or 8, `most` at
    /// most. 1 if nothing helps.
    pub(crate) fn divisor(&self, width: u32, height: u32, most: u32) -> u32 {
        let fits = |divisor: &u32| {
            let (width, height) = (width.div_ceil(*divisor), height.div_ceil(*divisor));
            self.check_size("", width, height).is_ok()
                && (*divisor == 1 || width.min(height) >= self.reduce_to)
        };
        let may = self.reduce_to > 0;
        let divisors = [1, 2, 4, 8]
            .into_iter()
            .filter(|divisor| *divisor <= most && may);
        divisors.into_iter().find(fits).unwrap_or(1)
    }

    /// Refuses a picture whose header claims too many pixels. `name` stands for it in errors.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`].
    pub fn check_size(&self, name: &str, width: u32, height: u32) -> Result<()> {
        let side = u64::from(width.max(height));
        within(name, Bound::Side, side, u64::from(self.max_side))?;
        let pixels = u64::from(width) * u64::from(height);
        within(name, Bound::Pixels, pixels, self.max_pixels)
    }

    /// Refuses a film of which `frames` frames of `width` x `height` are kept.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`].
    pub fn check_film(&self, name: &str, frames: usize, width: u32, height: u32) -> Result<()> {
        within(name, Bound::Frames, frames as u64, self.max_frames as u64)?;
        let frame = u64::from(width) * u64::from(height);
        let pixels = frame.saturating_mul(frames as u64);
        within(name, Bound::FilmPixels, pixels, self.max_film_pixels)
    }

    /// Refuses an animation of which `frames` frames of `width` x `height` have to be decoded for those
    /// that are kept: they cost time alone, and may be so many times more.
    pub(crate) fn check_decoded(&self, name: &str, frames: usize, sides: (u32, u32)) -> Result<()> {
        const TIMES: u64 = 64;
        let pixels = u64::from(sides.0) * u64::from(sides.1);
        let pixels = pixels.saturating_mul(frames as u64);
        let limit = self.max_film_pixels.saturating_mul(TIMES);
        within(name, Bound::FilmPixels, pixels, limit)
    }

    /// The same limits in the decoders' terms. An animation's compositor holds up to four RGBA
    /// canvases at a time; metadata may take 64 MiB whatever the picture.
    pub(crate) fn for_decoder(&self) -> image::Limits {
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(self.max_side);
        limits.max_image_height = Some(self.max_side);
        limits.max_alloc = Some(self.max_pixels.saturating_mul(16).max(64 << 20));
        limits
    }
}

fn within(name: &str, what: Bound, found: u64, limit: u64) -> Result<()> {
    if found <= limit {
        return Ok(());
    }
    let name = name.to_owned();
    Err(Error::TooLarge {
        name,
        what,
        found,
        limit,
    })
}
