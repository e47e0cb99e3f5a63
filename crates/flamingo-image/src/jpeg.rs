//! JPEG, to the bit of what libjpeg-turbo makes of it by default.
//!
//! Vision encoders were trained, and their published numbers made, on the pixels of that library
//! (by Pillow, torchvision, OpenCV): its accurate integer cosine transform, its smooth enlarging of
//! colour components, its rounding. Baseline and progressive files of 8 bits a sample with 1, 3 or
//! 4 components are read; arithmetic, lossless and hierarchical coding are refused by name.
//!
//! A damaged scan gives the picture that libjpeg gives: what cannot be read is grey up to the next
//! restart marker. A file that ends before its end marker is cut short, and refused.

mod bits;
mod colour;
mod components;
mod cosine;
mod frame;
mod huffman;
#[cfg(target_arch = "x86_64")]
mod instructions;
mod progressive;
mod reduced;
mod segments;
mod sequential;
mod standard;
mod turns;
mod upsample;

use self::colour::Colours;
use self::components::Components;
use self::frame::Frame;
use self::segments::{Scan, Segments};
use self::upsample::{Plane, Space};

/// Scans of one file. Each may cost as much as a pass over the whole picture.
const MOST_SCANS: usize = 256;

/// A file whose headers were read.
pub(crate) struct Jpeg<'a> {
    segments: Segments<'a>,
    frame: Frame,
    scan: Scan,
    colours: Colours,
}

impl<'a> Jpeg<'a> {
    /// Reads up to the first scan.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, in words.
    pub(crate) fn open(data: &'a [u8]) -> Result<Self, String> {
        let mut segments = Segments::new(data);
        let frame = segments.frame()?;
        let scan = segments
            .next_scan(&frame)?
            .ok_or("it has no picture in it")?;
        let ids: Vec<u8> = frame.components.iter().map(|it| it.id).collect();
        let colours = Colours::of(&ids, segments.jfif, segments.adobe);
        Ok(Self {
            segments,
            frame,
            scan,
            colours,
        })
    }

    /// Width and height in pixels, as stored.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.frame.width, self.frame.height)
    }

    /// The contents of the EXIF segment.
    pub(crate) fn exif(&self) -> Option<&'a [u8]> {
        self.segments.exif
    }

    /// Whether the file holds the picture in several passes of growing detail.
    pub(crate) fn is_progressive(&self) -> bool {
        self.frame.progressive
    }

    /// Red, green and blue of all pixels of the picture at 1 / `divisor` of its size, rounded up, as
    /// libjpeg scales it. `divisor` is 1, 2, 4 or 8.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, in words.
    pub(crate) fn rgb(self, divisor: usize) -> Result<Vec<u8>, String> {
        let side = |side: u32| (side as usize).div_ceil(divisor);
        let (width, height) = (side(self.frame.width), side(self.frame.height));
        let (colours, count) = (self.colours, self.frame.components.len());
        let planes = self.planes(count, divisor)?;
        let mut out = vec![0; 3 * width * height];
        draw(&planes, colours, width, &mut out);
        Ok(out)
    }

    /// The brightness of all pixels, without the cost of their colours; none where the file holds
    /// no brightness.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, in words.
    pub(crate) fn luma(self) -> Result<Option<Vec<u8>>, String> {
        let (width, height) = (self.frame.width as usize, self.frame.height as usize);
        let first = self.frame.components[0];
        let is_whole = (first.h, first.v) == (self.frame.h_max, self.frame.v_max);
        if !is_whole || !matches!(self.colours, Colours::Grey | Colours::Ycc) {
            return Ok(None);
        }
        let Plane {
            mut samples,
            stride,
            ..
        } = self.planes(1, 1)?.swap_remove(0);
        for y in 1..height {
            samples.copy_within(y * stride..y * stride + width, y * width);
        }
        samples.truncate(width * height);
        Ok(Some(samples))
    }

    /// The samples of the first `wanted` components, at 1 / `divisor` of their size.
    fn planes(self, wanted: usize, divisor: usize) -> Result<Vec<Plane>, String> {
        let Self {
            mut segments,
            frame,
            mut scan,
            ..
        } = self;
        let mut components = Components::new(&frame, wanted, 8 / divisor);
        // As libjpeg has it, a file is over after a scan that holds all of it.
        let is_single = !frame.progressive && scan.parts.len() == frame.components.len();
        for _ in 0..MOST_SCANS {
            let end = components.read(&segments, &frame, &scan)?;
            segments.go_on(end);
            match segments.next_scan(&frame)? {
                Some(next) if !is_single => scan = next,
                _ => return Ok(components.planes(&frame)),
            }
        }
        Err(format!("it has more than {MOST_SCANS} scans"))
    }
}

/// The pixels of a picture, row by row.
fn draw(planes: &[Plane], colours: Colours, width: usize, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if instructions::are_wide() {
        // SAFETY: the instructions are there.
        return unsafe { draw_wide(planes, colours, width, out) };
    }
    draw_rows::<false>(planes, colours, width, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn draw_wide(planes: &[Plane], colours: Colours, width: usize, out: &mut [u8]) {
    draw_rows::<true>(planes, colours, width, out);
}

#[inline(always)]
fn draw_rows<const WIDE: bool>(planes: &[Plane], colours: Colours, width: usize, out: &mut [u8]) {
    let mut spaces: [Space; 4] = Default::default();
    for (y, row) in out.chunks_exact_mut(3 * width).enumerate() {
        let mut rows: [&[u8]; 4] = [&[]; 4];
        for ((row, plane), space) in rows.iter_mut().zip(planes).zip(&mut spaces) {
            *row = &plane.row(y, space)[..width];
        }
        colours.row::<WIDE>(rows, row);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::PathBuf;

    use super::*;
    use crate::{Image, Limits, decode_still};

    fn fixture(name: &str) -> Vec<u8> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        std::fs::read(folder.join(name)).unwrap()
    }

    #[test]
    fn reduced_pictures_are_those_of_libjpeg_in_each_layout() {
        for name in [
            "444",
            "422",
            "420",
            "440",
            "411",
            "narrow",
            "narrow_422",
            "progressive_420",
            "progressive_422",
            "restarts",
            "grey_restarts",
            "separate",
            "coarse",
            "rgb",
            "cmyk",
            "ycck",
        ] {
            let file = fixture(&format!("jpeg_{name}.jpg"));
            let strip = fixture(&format!("jpeg_{name}.reduced.png"));
            let strip = decode_still(&strip, name, &Limits::default()).unwrap();
            let mut above = 0;
            for divisor in [2, 4, 8] {
                let jpeg = Jpeg::open(&file).unwrap();
                let (width, height) = jpeg.size();
                let (width, height) = (width.div_ceil(divisor), height.div_ceil(divisor));
                let rgb = jpeg.rgb(divisor as usize).unwrap();
                let expected = Image::from_fn(width, height, |x, y| strip.pixel(x, above + y));
                assert_eq!(rgb, expected.rgb, "{name} at 1/{divisor}");
                above += height;
            }
            assert_eq!(above, strip.height, "{name}");
        }
    }
}
