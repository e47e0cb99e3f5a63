//! How bright each pixel of a JPEG is, without decoding its colours.
//!
//! Half of a JPEG's cost is its colours: their transform, their enlarging to the picture's size and
//! the mixing to RGB. What only asks for brightness (hashes of how a picture looks) can leave them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::limits::Limits;
use crate::probe::{Format, jpeg_is_whole};

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
    if !fits || Format::of(bytes) != Some(Format::Jpeg) || !jpeg_is_whole(bytes) {
        return None;
    }
    // As for the other decoders: their format is the attacker's, and nothing outlives the call.
    catch_unwind(AssertUnwindSafe(|| luma(bytes, limits))).ok()?
}

fn luma(bytes: &[u8], limits: &Limits) -> Option<Luma> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(limits.max_side as usize)
        .set_max_height(limits.max_side as usize)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().ok()?;
    let stored = decoder.input_colorspace()?;
    if !matches!(stored, ColorSpace::YCbCr | ColorSpace::Luma) {
        return None;
    }
    let info = decoder.info()?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    limits.check_size("picture", width, height).ok()?;
    let orientation = decoder
        .exif()
        .and_then(|exif| Orientation::from_exif_chunk(exif));
    let values = decoder.decode().ok()?;
    let mut picture = DynamicImage::ImageLuma8(GrayImage::from_raw(width, height, values)?);
    picture.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
    Some(Luma {
        width: picture.width(),
        height: picture.height(),
        values: picture.into_luma8().into_raw(),
    })
}
