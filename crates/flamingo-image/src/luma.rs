//! How bright each pixel of a JPEG is, without decoding its colours.
//!
//! Half of a JPEG's cost is its colours: their transform, their enlarging to the picture's size and
//! the mixing to RGB. What only asks for brightness (hashes of how a picture looks) can leave them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage};

use crate::jpeg::Jpeg;
use crate::limits::Limits;
use crate::probe::Format;

/// The brightness of a picture's pixels, rows from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Luma {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// ITU-R BT.601 luma of each pixel.
    pub values: Vec<u8>,
}

/// The brightness of a JPEG file, turned as its EXIF orientation says. `None` for other formats,
/// for JPEGs that store no brightness (CMYK, RGB), and for what
/// [`decode_still`](crate::decode_still) refuses: ask it.
pub fn decode_luma(bytes: &[u8], limits: &Limits) -> Option<Luma> {
    let fits = bytes.len() as u64 <= limits.max_bytes;
    if !fits || Format::of(bytes) != Some(Format::Jpeg) {
        return None;
    }
    // As for the other decoders: their format is the attacker's, and nothing outlives the call.
    catch_unwind(AssertUnwindSafe(|| luma(bytes, limits))).ok()?
}

fn luma(bytes: &[u8], limits: &Limits) -> Option<Luma> {
    let jpeg = Jpeg::open(bytes).ok()?;
    let (width, height) = jpeg.size();
    limits.check_size("picture", width, height).ok()?;
    let turn = jpeg.exif().and_then(Orientation::from_exif_chunk);
    let values = jpeg.luma().ok()??;
    let mut picture = DynamicImage::ImageLuma8(GrayImage::from_raw(width, height, values)?);
    picture.apply_orientation(turn.unwrap_or(Orientation::NoTransforms));
    Some(Luma {
        width: picture.width(),
        height: picture.height(),
        values: picture.into_luma8().into_raw(),
    })
}
