//! Pictures written anew: smaller, and in one format.

use std::borrow::Cow;

use flamingo_image::{Format, Image, decode_still, probe, resize_bicubic};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use serde::{Deserialize, Serialize};

use super::Reason;
use super::config::{Animated, ImagesConfig};

/// How pictures are written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reencode {
    /// The longer side of what is written, at most; a longer one is shrunk, the aspect kept. 0 is
    /// no limit.
    pub max_side: u32,
    /// The format that is written.
    pub format: Encoding,
    /// The quality of a JPEG, 1 to 100.
    pub quality: u8,
}

impl Default for Reencode {
    /// JPEG of quality 90 in the picture's own size.
    fn default() -> Self {
        Self {
            max_side: 0,
            format: Encoding::Jpeg,
            quality: 90,
        }
    }
}

/// A format that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// JPEG of the configured quality.
    Jpeg,
    /// PNG.
    Png,
    /// WebP without loss.
    WebP,
}

impl Encoding {
    fn format(self) -> Format {
        match self {
            Self::Jpeg => Format::Jpeg,
            Self::Png => Format::Png,
            Self::WebP => Format::WebP,
        }
    }
}

/// A picture's file as it goes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Written<'a> {
    /// The file.
    pub bytes: Cow<'a, [u8]>,
    /// Its format.
    pub format: Format,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

/// The file of a picture as the configuration wants it: its bytes as they are, if nothing is asked
/// for or if they already are what is asked for, else the picture written anew.
///
/// Bytes that are copied keep their EXIF orientation, which readers must apply (this project's do);
/// a picture written anew is turned upright and has no metadata.
///
/// # Errors
/// The reason for which a picture cannot be read.
pub fn reencode<'a>(bytes: &'a [u8], config: &ImagesConfig) -> Result<Written<'a>, Reason> {
    let header = probe(bytes).ok_or(Reason::Undecodable)?;
    let first_frame = header.animated && config.animated == Animated::FirstFrame;
    // An animation's frame is drawn, as a rule: what shrinks it must not blur it.
    let lossless = || Reencode {
        format: Encoding::Png,
        ..Reencode::default()
    };
    let Some(how) = config.reencode.or_else(|| first_frame.then(lossless)) else {
        return Ok(copied(bytes, header.format, header.width, header.height));
    };
    let fits = how.max_side == 0 || header.width.max(header.height) <= how.max_side;
    if fits && how.format.format() == header.format && !header.animated {
        return Ok(copied(bytes, header.format, header.width, header.height));
    }
    let still =
        decode_still(bytes, "picture", &config.limits()).map_err(|_| Reason::Undecodable)?;
    let image = shrink(still.image, how.max_side);
    Ok(Written {
        bytes: Cow::Owned(encode(&image, how).ok_or(Reason::Undecodable)?),
        format: how.format.format(),
        width: image.width,
        height: image.height,
    })
}

fn copied(bytes: &[u8], format: Format, width: u32, height: u32) -> Written<'_> {
    Written {
        bytes: Cow::Borrowed(bytes),
        format,
        width,
        height,
    }
}

fn shrink(image: Image, max_side: u32) -> Image {
    let long = image.width.max(image.height);
    if max_side == 0 || long <= max_side {
        return image;
    }
    let scaled = |side: u32| {
        let side = (u64::from(side) * u64::from(max_side) + u64::from(long) / 2) / u64::from(long);
        (side as u32).max(1)
    };
    resize_bicubic(&image, scaled(image.width), scaled(image.height))
}

/// `None` if the format cannot hold the picture: JPEG and WebP end at 65,535 and 16,384 pixels.
fn encode(image: &Image, how: Reencode) -> Option<Vec<u8>> {
    let Image { width, height, rgb } = image;
    let colour = ExtendedColorType::Rgb8;
    let mut file = Vec::new();
    match how.format {
        Encoding::Jpeg => JpegEncoder::new_with_quality(&mut file, how.quality.clamp(1, 100))
            .write_image(rgb, *width, *height, colour),
        Encoding::WebP => {
            WebPEncoder::new_lossless(&mut file).write_image(rgb, *width, *height, colour)
        }
        Encoding::Png => return Some(image.to_png()),
    }
    .ok()?;
    Some(file)
}
