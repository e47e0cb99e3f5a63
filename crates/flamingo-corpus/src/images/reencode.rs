//! Pictures written anew: smaller, and in one format.

use std::borrow::Cow;

use flamingo_image::{Format, Image, PassOrder, decode_still, probe, resize_bicubic};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::Reason;
use super::config::{Animated, ImagesConfig};
use super::encoding::{Encoding, Reencode};

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
    let image =
        decode_still(bytes, "picture", &config.limits()).map_err(|_| Reason::Undecodable)?;
    let image = shrink(image, how.max_side);
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
    resize_bicubic(
        &image,
        scaled(image.width),
        scaled(image.height),
        PassOrder::default(),
    )
}

/// `None` if the format cannot hold the picture: JPEG and WebP end at 65,535 and 16,384 pixels. JPEG
/// has no transparency: colours stay as they are however little they show.
fn encode(image: &Image, how: Reencode) -> Option<Vec<u8>> {
    let (width, height) = (image.width, image.height);
    let colour = match image.is_opaque() {
        true => ExtendedColorType::Rgb8,
        false => ExtendedColorType::Rgba8,
    };
    let mut file = Vec::new();
    match how.format {
        Encoding::Jpeg => JpegEncoder::new_with_quality(&mut file, how.quality.clamp(1, 100))
            .write_image(&image.rgb, width, height, ExtendedColorType::Rgb8),
        Encoding::WebP => {
            WebPEncoder::new_lossless(&mut file).write_image(&image.bytes(), width, height, colour)
        }
        Encoding::Png => return Some(image.to_png()),
    }
    .ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_image::Limits;

    use super::super::testing::{jpeg, photo};
    use super::super::{distance, perceptual_hash};
    use super::*;

    fn config(reencode: Reencode) -> ImagesConfig {
        ImagesConfig {
            reencode: Some(reencode),
            ..ImagesConfig::default()
        }
    }

    fn read(written: &Written) -> Image {
        let still = decode_still(&written.bytes, "test", &Limits::default()).unwrap();
        assert_eq!((still.width, still.height), (written.width, written.height));
        assert_eq!(Format::of(&written.bytes), Some(written.format));
        still
    }

    #[test]
    fn without_a_request_bytes_are_copied() {
        let file = jpeg(&photo(1, 173, 89), 70);
        let written = reencode(&file, &ImagesConfig::default()).unwrap();
        assert!(matches!(written.bytes, Cow::Borrowed(bytes) if bytes == file));
        let enough = config(Reencode {
            max_side: 173,
            ..Reencode::default()
        });
        let written = reencode(&file, &enough).unwrap();
        assert!(matches!(written.bytes, Cow::Borrowed(_)));
    }

    #[test]
    fn a_long_side_is_shrunk_and_the_aspect_kept() {
        let image = photo(2, 900, 450);
        for format in [Encoding::Jpeg, Encoding::Png, Encoding::WebP] {
            let how = Reencode {
                max_side: 224,
                format,
                quality: 90,
            };
            let file = image.to_png();
            let written = reencode(&file, &config(how)).unwrap();
            assert_eq!((written.width, written.height), (224, 112));
            let copy = read(&written);
            assert!(distance(perceptual_hash(&copy), perceptual_hash(&image)) <= 6);
            assert_eq!(reencode(&file, &config(how)).unwrap(), written);
        }
    }

    #[test]
    fn a_needle_keeps_a_pixel_of_width_and_quality_makes_files_smaller() {
        let how = |max_side, quality| {
            config(Reencode {
                max_side,
                quality,
                ..Reencode::default()
            })
        };
        let needle = photo(3, 3, 900).to_png();
        let written = reencode(&needle, &how(90, 90)).unwrap();
        assert_eq!((written.width, written.height), (1, 90));
        let file = photo(3, 300, 200).to_png();
        let bytes = |quality| reencode(&file, &how(0, quality)).unwrap().bytes.len();
        assert!(bytes(30) < bytes(90));
    }

    #[test]
    fn a_turned_picture_is_written_upright() {
        let stored = photo(4, 173, 89);
        let file = turned(&jpeg(&stored, 90));
        let written = reencode(
            &file,
            &config(Reencode {
                format: Encoding::Png,
                ..Reencode::default()
            }),
        )
        .unwrap();
        let upright = read(&written);
        assert_eq!((upright.width, upright.height), (89, 173));
        // EXIF orientation 6: the stored left edge is seen at the top.
        let (a, b) = (upright.pixel(88, 0), stored.pixel(0, 0));
        assert!(
            a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 30),
            "{a:?} {b:?}"
        );
    }

    /// The same JPEG with an EXIF segment of orientation 6.
    fn turned(file: &[u8]) -> Vec<u8> {
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0".to_vec();
        exif.extend([0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
        let length = (exif.len() as u16 + 2).to_be_bytes();
        [&file[..2], &[0xFF, 0xE1], &length, &exif, &file[2..]].concat()
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        let asked = config(Reencode::default());
        assert_eq!(reencode(b"<html>", &asked), Err(Reason::Undecodable));
        let file = photo(5, 97, 89).to_png();
        let cut = &file[..file.len() / 2];
        assert_eq!(reencode(cut, &asked), Err(Reason::Undecodable));
    }
}
