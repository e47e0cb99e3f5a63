//! Bytes of a file to a picture or a film.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{
    AnimationDecoder, DynamicImage, Frames, ImageDecoder, ImageFormat, ImageResult, RgbImage,
};

use crate::error::{Error, Result};
use crate::film::Film;
use crate::jpeg::Jpeg;
use crate::limits::Limits;
use crate::picture::Image;
use crate::probe::webp_is_whole;

/// What a file shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Media {
    /// A still picture.
    Image(Image),
    /// Frames in time.
    Film(Film),
}

/// One picture of a file, and what becoming RGB takes from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Still {
    /// The picture, or an animation's first frame.
    pub image: Image,
    /// Whether no pixel lets a background through.
    pub opaque: bool,
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
    guarded(bytes, name, limits, |source, format| source.decode(format))
}

/// Reads a file as one still picture: of an animation, its first frame alone.
///
/// # Errors
///
/// Those of [`decode`].
pub fn decode_still(bytes: &[u8], name: &str, limits: &Limits) -> Result<Still> {
    guarded(bytes, name, limits, |source, format| source.first(format))
}

fn guarded<T>(
    bytes: &[u8],
    name: &str,
    limits: &Limits,
    read: impl FnOnce(&Source, ImageFormat) -> Result<T>,
) -> Result<T> {
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
    catch_unwind(AssertUnwindSafe(|| read(&source, format)))
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
                let picture = self.jpeg()?;
                let (width, height) = (picture.width(), picture.height());
                Ok(Media::Image(Image::new(width, height, to_rgb(picture))?))
            }
        }
    }

    fn first(&self, format: ImageFormat) -> Result<Still> {
        let file = Cursor::new(self.bytes);
        let picture = match format {
            ImageFormat::Png => {
                let limits = self.limits.for_decoder();
                self.picture(self.ok(PngDecoder::with_limits(file, limits))?)?
            }
            ImageFormat::WebP if !webp_is_whole(self.bytes) => return Err(self.broken(CUT_SHORT)),
            ImageFormat::WebP => self.picture(self.ok(WebPDecoder::new(file))?)?,
            ImageFormat::Gif => self.picture(self.ok(GifDecoder::new(file))?)?,
            _ => self.jpeg()?,
        };
        let opaque = is_opaque(&picture);
        let (width, height) = (picture.width(), picture.height());
        let image = Image::new(width, height, to_rgb(picture))?;
        Ok(Still { image, opaque })
    }

    fn jpeg(&self) -> Result<DynamicImage> {
        let jpeg = Jpeg::open(self.bytes).map_err(|reason| self.broken(&reason))?;
        let (width, height) = jpeg.size();
        self.limits.check_size(self.name, width, height)?;
        let turn = jpeg.exif().and_then(Orientation::from_exif_chunk);
        let rgb = jpeg.rgb().map_err(|reason| self.broken(&reason))?;
        let picture = RgbImage::from_raw(width, height, rgb).expect("the pixels fill the sides");
        let mut picture = DynamicImage::ImageRgb8(picture);
        picture.apply_orientation(turn.unwrap_or(Orientation::NoTransforms));
        Ok(picture)
    }

    fn still(&self, decoder: impl ImageDecoder) -> Result<Media> {
        let picture = self.picture(decoder)?;
        let (width, height) = (picture.width(), picture.height());
        Ok(Media::Image(Image::new(width, height, to_rgb(picture))?))
    }

    /// The picture, turned as its EXIF orientation says.
    fn picture(&self, decoder: impl ImageDecoder) -> Result<DynamicImage> {
        let mut decoder = self.limited(decoder)?;
        // A picture with damaged metadata is still a picture.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut picture = self.ok(DynamicImage::from_decoder(decoder))?;
        picture.apply_orientation(orientation);
        Ok(picture)
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

fn is_opaque(picture: &DynamicImage) -> bool {
    match picture {
        DynamicImage::ImageRgba8(pixels) => pixels.pixels().all(|pixel| pixel.0[3] == u8::MAX),
        DynamicImage::ImageLumaA8(pixels) => pixels.pixels().all(|pixel| pixel.0[1] == u8::MAX),
        DynamicImage::ImageRgba16(pixels) => pixels.pixels().all(|pixel| pixel.0[3] == u16::MAX),
        DynamicImage::ImageLumaA16(pixels) => pixels.pixels().all(|pixel| pixel.0[1] == u16::MAX),
        _ => true,
    }
}

const CUT_SHORT: &str = "it is cut short";
