//! Bytes of a file to a picture or a film.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{AnimationDecoder, DynamicImage, Frames, ImageDecoder, ImageFormat, ImageResult};

use crate::error::{Error, Result};
use crate::film::Film;
use crate::limits::Limits;
use crate::picture::Image;

/// What a file shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Media {
    /// A still picture.
    Image(Image),
    /// Frames in time.
    Film(Film),
}

/// Reads a JPEG, PNG, WebP or GIF file from memory; `name` stands for it in errors.
///
/// A GIF, WebP or PNG file with more than one frame is a film at its mean rate, each frame as it is
/// seen (composed over those before it; what nothing has painted yet is black). A still picture is
/// turned as its EXIF orientation says. See the [crate] for how colours become RGB.
///
/// # Errors
///
/// [`Error::TooLarge`] before anything too large is decoded, [`Error::Format`] for other kinds of
/// files, [`Error::Broken`] for damaged ones. No bytes make it panic.
pub fn decode(bytes: &[u8], name: &str, limits: &Limits) -> Result<Media> {
    limits.check_bytes(name, bytes.len() as u64)?;
    let Some((format, format_name)) = format_of(bytes) else {
        return Err(Error::Format {
            name: name.to_owned(),
            found: describe(bytes),
        });
    };
    let source = Source {
        bytes,
        name,
        format: format_name,
        limits,
    };
    if let (ImageFormat::Png, Some(&[w0, w1, w2, w3, h0, h1, h2, h3])) = (format, bytes.get(16..24))
    {
        // The decoder would refuse it, too, but without the figures.
        let width = u32::from_be_bytes([w0, w1, w2, w3]);
        limits.check_size(name, width, u32::from_be_bytes([h0, h1, h2, h3]))?;
    }
    // The decoders mean never to panic, but their format is the attacker's; the one bound that
    // holds whatever they do is this. Nothing of theirs outlives the call.
    catch_unwind(AssertUnwindSafe(|| source.decode(format)))
        .unwrap_or_else(|_| Err(source.broken("the decoder failed on it")))
}

fn format_of(bytes: &[u8]) -> Option<(ImageFormat, &'static str)> {
    match image::guess_format(bytes).ok()? {
        format @ ImageFormat::Jpeg => Some((format, "JPEG")),
        format @ ImageFormat::Png => Some((format, "PNG")),
        format @ ImageFormat::WebP => Some((format, "WebP")),
        format @ ImageFormat::Gif => Some((format, "GIF")),
        _ => None,
    }
}

/// What a file of another kind looks like, for its error.
fn describe(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "it is empty".to_owned();
    }
    if let Ok(format) = image::guess_format(bytes) {
        return format!("it looks like {}", format.to_mime_type());
    }
    let start = &bytes[..bytes.len().min(16)];
    format!("it starts with \"{}\"", start.escape_ascii())
}

struct Source<'a> {
    bytes: &'a [u8],
    name: &'a str,
    format: &'static str,
    limits: &'a Limits,
}

impl<'a> Source<'a> {
    fn decode(&self, format: ImageFormat) -> Result<Media> {
        let file = Cursor::new(self.bytes);
        match format {
            ImageFormat::Png => {
                let limits = self.limits.for_decoder();
                let decoder = self.ok(PngDecoder::with_limits(file, limits))?;
                if self.ok(decoder.is_apng())? {
                    let decoder = self.limited(decoder)?;
                    let size = decoder.dimensions();
                    let frames = self.ok(decoder.apng())?.into_frames();
                    return self.frames(size, frames);
                }
                self.still(decoder)
            }
            ImageFormat::WebP => {
                if !webp_is_whole(self.bytes) {
                    return Err(self.broken(CUT_SHORT));
                }
                let decoder = self.ok(WebPDecoder::new(file))?;
                if decoder.has_animation() {
                    return self.animation(decoder);
                }
                self.still(decoder)
            }
            ImageFormat::Gif => self.animation(self.ok(GifDecoder::new(file))?),
            _ => {
                if !jpeg_is_whole(self.bytes) {
                    return Err(self.broken(CUT_SHORT));
                }
                self.still(self.ok(JpegDecoder::new(file))?)
            }
        }
    }

    fn still(&self, decoder: impl ImageDecoder) -> Result<Media> {
        let mut decoder = self.limited(decoder)?;
        // A picture with damaged metadata is still a picture.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut picture = self.ok(DynamicImage::from_decoder(decoder))?;
        picture.apply_orientation(orientation);
        let (width, height) = (picture.width(), picture.height());
        Ok(Media::Image(Image::new(width, height, to_rgb(picture))?))
    }

    fn animation<'d>(&self, decoder: impl ImageDecoder + AnimationDecoder<'d>) -> Result<Media> {
        let decoder = self.limited(decoder)?;
        let size = decoder.dimensions();
        self.frames(size, decoder.into_frames())
    }

    fn frames(&self, (width, height): (u32, u32), frames: Frames<'_>) -> Result<Media> {
        let mut pictures = Vec::new();
        let mut seconds = 0.0;
        for frame in frames {
            let frame = self.ok(frame)?;
            seconds += seconds_shown(frame.delay());
            let rgb = to_rgb(DynamicImage::ImageRgba8(frame.into_buffer()));
            pictures.push(Image::new(width, height, rgb)?);
            self.limits
                .check_film(self.name, pictures.len(), width, height)?;
        }
        let fps = (pictures.len() as f64 / seconds) as f32;
        match pictures.len() {
            0 => Err(self.broken("it has no frame")),
            1 => Ok(Media::Image(pictures.swap_remove(0))),
            _ => Ok(Media::Film(Film::new(pictures, fps, self.name)?)),
        }
    }

    /// Refuses what the header claims if it is too much, and tells the decoder its limits.
    fn limited<D: ImageDecoder>(&self, mut decoder: D) -> Result<D> {
        let (width, height) = decoder.dimensions();
        if width == 0 || height == 0 {
            return Err(self.broken(&format!("its size is {width}x{height}")));
        }
        self.limits.check_size(self.name, width, height)?;
        self.ok(decoder.set_limits(self.limits.for_decoder()))?;
        Ok(decoder)
    }

    fn ok<T>(&self, result: ImageResult<T>) -> Result<T> {
        result.map_err(|error| self.broken(&error.to_string()))
    }

    fn broken(&self, reason: &str) -> Error {
        let (name, reason) = (self.name.to_owned(), reason.to_owned());
        Error::Broken {
            name,
            format: self.format,
            reason,
        }
    }
}

/// How long a frame is shown. As browsers do, 10 ms or less counts as 100 ms.
fn seconds_shown(delay: image::Delay) -> f64 {
    let (numerator, denominator) = delay.numer_denom_ms();
    let seconds = f64::from(numerator) / f64::from(denominator.max(1)) / 1000.0;
    if seconds > 0.0101 { seconds } else { 0.1 }
}

/// 8-bit RGB as Pillow has it: alpha is dropped, 16 bits keep their high byte.
fn to_rgb(picture: DynamicImage) -> Vec<u8> {
    match picture {
        DynamicImage::ImageLuma16(_)
        | DynamicImage::ImageLumaA16(_)
        | DynamicImage::ImageRgb16(_)
        | DynamicImage::ImageRgba16(_) => picture
            .into_rgb16()
            .into_raw()
            .into_iter()
            .map(|value| (value >> 8) as u8)
            .collect(),
        picture => picture.into_rgb8().into_raw(),
    }
}

const CUT_SHORT: &str = "it is cut short";

/// Whether a WebP file is as long as its header says. The decoder takes an animation that is cut
/// short for one with fewer frames.
fn webp_is_whole(bytes: &[u8]) -> bool {
    match bytes.get(4..8) {
        Some(&[b0, b1, b2, b3]) => bytes.len() - 8 >= u32::from_le_bytes([b0, b1, b2, b3]) as usize,
        _ => false,
    }
}

/// Whether a JPEG's end marker follows its first scan. The decoder paints what is missing of a
/// truncated file grey and says nothing.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    const END_OF_IMAGE: u8 = 0xD9;
    const START_OF_SCAN: u8 = 0xDA;
    let mut at = 2;
    // Segments before the scan have their length in them, so that an end marker of a thumbnail in
    // the metadata is not taken for the picture's.
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        match marker {
            START_OF_SCAN => {
                return bytes[at..]
                    .windows(2)
                    .any(|pair| pair == [0xFF, END_OF_IMAGE]);
            }
            0xFF => at += 1,
            0x01 | 0xD0..=0xD8 => at += 2,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    // Not laid out as expected: the decoder will know.
    bytes.len() > at
}
