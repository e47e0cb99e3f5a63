//! What the bytes of a picture are.

use flamingo_image::{Error, Format, Probe, decode_luma, decode_still, probe};
use sha2::{Digest, Sha256};

use super::config::Animated;
use super::perceptual::{hash_of_luma, perceptual_hash};
use super::size::size;
use super::{ImagesConfig, Reason};

/// What is known of a picture's bytes; numbers that were not reached are `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inspected {
    /// Why it cannot be taken, if it cannot.
    pub refused: Option<Reason>,
    /// Its format by content; what the server called it is not asked.
    pub format: Option<Format>,
    /// Its width, as seen.
    pub width: Option<u32>,
    /// Its height, as seen.
    pub height: Option<u32>,
    /// The size of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: Option<String>,
    /// [`perceptual_hash`] of the (first) picture.
    pub perceptual: Option<u64>,
    /// Whether its pixels are all of one colour.
    pub single_colour: Option<bool>,
    /// Whether it has more than one frame.
    pub animated: Option<bool>,
    /// Whether no pixel lets a background through.
    pub opaque: Option<bool>,
}

impl Inspected {
    /// `ok`, or the name of the reason.
    pub fn status(&self) -> &'static str {
        self.refused.map_or("ok", Reason::name)
    }

    fn refuse(mut self, reason: Reason) -> Self {
        self.refused = Some(reason);
        self
    }
}

/// Measures the bytes of a picture.
///
/// What its header alone rules out (too small, too long, a bomb) is not decoded; it keeps the
/// numbers that are known. No bytes make it panic, and none make it take more memory than the
/// configuration's pixels.
pub fn inspect(bytes: &[u8], config: &ImagesConfig) -> Inspected {
    let found = Inspected {
        bytes: bytes.len() as u64,
        ..Inspected::default()
    };
    let Some(format) = Format::of(bytes) else {
        return found.refuse(other_kind(bytes));
    };
    let found = Inspected {
        format: Some(format),
        ..found
    };
    if config.max_bytes > 0 && found.bytes > config.max_bytes {
        return found.refuse(Reason::TooManyBytes);
    }
    let found = Inspected {
        sha256: Some(format!("{:x}", Sha256::digest(bytes))),
        ..found
    };
    let Some(header) = probe(bytes) else {
        return found.refuse(Reason::Undecodable);
    };
    let found = Inspected {
        width: Some(header.width),
        height: Some(header.height),
        animated: Some(header.animated),
        ..found
    };
    match unseen(&header, config) {
        Some(reason) => found.refuse(reason),
        None => look(found, bytes, config),
    }
}

/// Why a picture is refused for its header.
fn unseen(header: &Probe, config: &ImagesConfig) -> Option<Reason> {
    if !config.formats.contains(&header.format) {
        return Some(Reason::UnsupportedFormat);
    }
    if header.width == 0 || header.height == 0 {
        return Some(Reason::Undecodable);
    }
    size(header.width, header.height, config)
        .or_else(|| (!header.whole).then_some(Reason::Truncated))
}

/// Decodes the picture and measures its pixels.
fn look(mut found: Inspected, bytes: &[u8], config: &ImagesConfig) -> Inspected {
    let seen = match see(bytes, config) {
        Ok(seen) => seen,
        Err(Error::TooLarge { .. }) => return found.refuse(Reason::TooManyPixels),
        Err(_) => return found.refuse(Reason::Undecodable),
    };
    found.width = Some(seen.width);
    found.height = Some(seen.height);
    found.perceptual = Some(seen.perceptual);
    found.single_colour = Some(seen.single_colour);
    found.opaque = Some(seen.opaque);
    if config.drop_single_colour && seen.single_colour {
        return found.refuse(Reason::SingleColour);
    }
    if found.animated == Some(true) && config.animated == Animated::Drop {
        return found.refuse(Reason::Animated);
    }
    found
}

/// What only the pixels tell.
struct Seen {
    width: u32,
    height: u32,
    perceptual: u64,
    single_colour: bool,
    opaque: bool,
}

fn see(bytes: &[u8], config: &ImagesConfig) -> Result<Seen, Error> {
    let limits = config.limits();
    let tolerance = config.single_colour_tolerance;
    // A JPEG that is not of one brightness is not of one colour: its colours need not be decoded.
    if let Some(luma) = decode_luma(bytes, &limits)
        && !is_single_colour(luma.values.as_chunks::<1>().0, luma.width, tolerance)
    {
        return Ok(Seen {
            width: luma.width,
            height: luma.height,
            perceptual: hash_of_luma(&luma),
            single_colour: false,
            opaque: true,
        });
    }
    let image = decode_still(bytes, "picture", &limits)?;
    Ok(Seen {
        width: image.width,
        height: image.height,
        perceptual: perceptual_hash(&image),
        single_colour: is_single_colour(image.rgb.as_chunks::<3>().0, image.width, tolerance),
        opaque: image.is_opaque(),
    })
}

/// Whether each channel ranges over no more than the tolerance.
fn is_single_colour<const CHANNELS: usize>(
    rows: &[[u8; CHANNELS]],
    width: u32,
    tolerance: u8,
) -> bool {
    let (mut low, mut high) = ([u8::MAX; CHANNELS], [0; CHANNELS]);
    // Row by row: an ordinary picture is told by its first.
    rows.chunks(width as usize).all(|row| {
        for pixel in row {
            for ((low, high), &value) in low.iter_mut().zip(&mut high).zip(pixel) {
                *low = value.min(*low);
                *high = value.max(*high);
            }
        }
        low.iter()
            .zip(high)
            .all(|(low, high)| high - low <= tolerance)
    })
}

/// What bytes are that begin like none of the formats that are read.
fn other_kind(bytes: &[u8]) -> Reason {
    const PICTURES: [&[u8]; 6] = [
        b"BM",
        b"II*\0",
        b"MM\0*",
        b"\0\0\x01\0",
        b"\xFF\x0A",
        b"\0\0\0\x0CJXL ",
    ];
    let brand = bytes.get(4..12).unwrap_or_default();
    let is_picture = PICTURES.iter().any(|magic| bytes.starts_with(magic))
        || [&b"ftypavif"[..], b"ftypavis", b"ftypheic", b"ftypmif1"].contains(&brand)
        || is_svg(bytes);
    if is_picture {
        Reason::UnsupportedFormat
    } else {
        Reason::NotAnImage
    }
}

fn is_svg(bytes: &[u8]) -> bool {
    let start = bytes[..bytes.len().min(1024)].trim_ascii_start();
    let has = |tag: &[u8]| {
        start
            .windows(tag.len())
            .any(|found| found.eq_ignore_ascii_case(tag))
    };
    start.starts_with(b"<svg") || (start.starts_with(b"<?xml") && has(b"<svg") && !has(b"<html"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_image::{Image, Limits};
    use proptest::prelude::*;

    use super::super::distance;
    use super::super::testing::{jpeg, photo, png_claiming};
    use super::*;

    fn refused(bytes: &[u8]) -> Option<Reason> {
        inspect(bytes, &ImagesConfig::default()).refused
    }

    #[test]
    fn a_picture_is_measured_by_its_content() {
        let image = photo(3, 173, 89);
        let found = inspect(&image.to_png(), &ImagesConfig::default());
        assert_eq!((found.refused, found.status()), (None, "ok"));
        assert_eq!(found.format, Some(Format::Png));
        assert_eq!((found.width, found.height), (Some(173), Some(89)));
        assert_eq!(found.perceptual, Some(perceptual_hash(&image)));
        assert_eq!(found.single_colour, Some(false));
        assert_eq!((found.animated, found.opaque), (Some(false), Some(true)));
        let sha256 = format!("{:x}", Sha256::digest(image.to_png()));
        assert_eq!(found.sha256, Some(sha256));
    }

    #[test]
    fn what_is_no_picture_is_told_from_what_is_not_read() {
        assert_eq!(refused(b""), Some(Reason::NotAnImage));
        let page = b"<!doctype html><html><svg></svg></html>";
        assert_eq!(refused(page), Some(Reason::NotAnImage));
        for other in [
            &b"BM6\x00"[..],
            b"\0\0\0\x20ftypavif\0\0",
            b" <svg xmlns='http://www.w3.org/2000/svg'/>",
            b"<?xml version='1.0'?><!-- a --><svg/>",
        ] {
            assert_eq!(refused(other), Some(Reason::UnsupportedFormat));
        }
    }

    #[test]
    fn bombs_are_refused_for_what_their_headers_claim() {
        let mut gif = b"GIF89a".to_vec();
        gif.extend([0x60, 0xEA, 0x60, 0xEA, 0, 0, 0, 0x2C]);
        let mut webp = b"RIFF\x16\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0".to_vec();
        webp.extend([0x5F, 0xEA, 0, 0x5F, 0xEA, 0]);
        let frame = [0xFF, 0xC0, 0, 11, 8, 0xEA, 0x60, 0xEA, 0x60, 1, 1, 0x11, 0];
        let jpeg = [&[0xFF, 0xD8][..], &frame].concat();
        for bomb in [png_claiming(60_000, 60_000), gif, webp, jpeg] {
            let found = inspect(&bomb, &ImagesConfig::default());
            assert_eq!(found.refused, Some(Reason::TooLarge));
            assert_eq!((found.width, found.height), (Some(60_000), Some(60_000)));
        }
        let wide = png_claiming(19_000, 19_000);
        assert_eq!(refused(&wide), Some(Reason::TooManyPixels));
    }

    #[test]
    fn small_long_and_heavy_ones_are_not_decoded() {
        let config = ImagesConfig {
            max_bytes: 2000,
            ..ImagesConfig::default()
        };
        for (bytes, reason) in [
            (png_claiming(1, 1), Reason::TrackingPixel),
            (png_claiming(63, 97), Reason::TooSmall),
            (png_claiming(100, 301), Reason::AspectRatio),
            (vec![0xFF, 0xD8, 0xFF, 0], Reason::Undecodable),
            (
                [png_claiming(97, 97), vec![0; 2000]].concat(),
                Reason::TooManyBytes,
            ),
        ] {
            let found = inspect(&bytes, &config);
            assert_eq!(found.refused, Some(reason));
            assert_eq!((found.perceptual, found.single_colour), (None, None));
        }
    }

    #[test]
    fn cut_and_damaged_files_are_told_apart() {
        let image = photo(5, 97, 89);
        for file in [jpeg(&image, 90), image.to_png()] {
            assert_eq!(
                refused(&file[..file.len() * 2 / 5]),
                Some(Reason::Truncated)
            );
        }
        let mut damaged = image.to_png();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 40].fill(0x55);
        assert_eq!(refused(&damaged), Some(Reason::Undecodable));
    }

    #[test]
    fn one_colour_may_flicker_by_its_tolerance() {
        let noisy = |range: u32| Image::from_fn(97, 89, |x, y| [0, ((x * y) % range) as u8, 9]);
        for (range, single) in [(1, true), (9, true), (10, false)] {
            let found = inspect(&noisy(range).to_png(), &ImagesConfig::default());
            assert_eq!(found.single_colour, Some(single));
            assert_eq!(found.refused, single.then_some(Reason::SingleColour));
        }
        let keep = ImagesConfig {
            drop_single_colour: false,
            ..ImagesConfig::default()
        };
        let found = inspect(&noisy(1).to_png(), &keep);
        assert_eq!((found.refused, found.single_colour), (None, Some(true)));
    }

    #[test]
    fn colours_of_one_brightness_are_not_one_colour() {
        // Both have a luma of about 76.
        let colours = [[254, 0, 0], [0, 130, 0]];
        let halves = Image::from_fn(96, 96, |x, _| colours[usize::from(x < 48)]);
        let found = inspect(&jpeg(&halves, 95), &ImagesConfig::default());
        assert_eq!((found.refused, found.single_colour), (None, Some(false)));
        let flat = jpeg(&Image::solid(96, 96, [254, 0, 0]), 95);
        assert_eq!(refused(&flat), Some(Reason::SingleColour));
    }

    #[test]
    fn brightness_alone_gives_nearly_the_hash_of_the_colours() {
        for seed in 0..20 {
            let file = jpeg(&photo(seed, 173, 131), 85);
            let still = decode_still(&file, "test", &Limits::default()).unwrap();
            let hash = perceptual_hash(&still);
            let found = inspect(&file, &ImagesConfig::default()).perceptual.unwrap();
            assert!(distance(hash, found) <= 2, "{hash:x} {found:x}");
        }
    }

    fn gif(frames: u32) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut file);
        for seed in 0..frames {
            let picture = photo(seed.into(), 97, 89);
            encoder
                .encode(&picture.rgb, 97, 89, image::ExtendedColorType::Rgb8)
                .unwrap();
        }
        drop(encoder);
        file
    }

    #[test]
    fn a_moving_picture_is_dropped_or_stands_for_its_first_frame() {
        assert_eq!(refused(&gif(1)), None);
        assert_eq!(refused(&gif(3)), Some(Reason::Animated));
        let first = ImagesConfig {
            animated: Animated::FirstFrame,
            ..ImagesConfig::default()
        };
        let (one, three) = (inspect(&gif(1), &first), inspect(&gif(3), &first));
        assert_eq!((three.refused, three.animated), (None, Some(true)));
        assert_eq!(one.perceptual, three.perceptual);
    }

    #[test]
    fn a_hole_in_a_picture_is_seen() {
        let mut pixels = vec![200; 4 * 97 * 89];
        pixels[..97].fill(30);
        let mut file = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut file);
        image::ImageEncoder::write_image(encoder, &pixels, 97, 89, image::ExtendedColorType::Rgba8)
            .unwrap();
        assert_eq!(inspect(&file, &ImagesConfig::default()).opaque, Some(false));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            kind in 0_usize..4,
            places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let image = photo(1, 71, 67);
            let mut file = match kind {
                0 => jpeg(&image, 60),
                1 => image.to_png(),
                2 => gif(2),
                _ => b"RIFF\x20\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0\x46\0\0\x42\0\0VP8L\0\0".to_vec(),
            };
            for (place, value) in places {
                let at = place.index(file.len());
                file[at] = value;
            }
            file.truncate(1 + cut.index(file.len()));
            let _ = inspect(&file, &ImagesConfig::default());
        }
    }
}
