//! Bytes of a file to a picture or a film.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageResult};

use crate::error::{Error, Result};
use crate::film::Film;
use crate::gif::{Gif, Shown, Stop};
use crate::jpeg::Jpeg;
use crate::kinds::describe;
use crate::limits::Limits;
use crate::picture::{Image, Mode};
use crate::png_mending;
use crate::probe::{Format, jpeg_size, probe, webp_is_whole};
use crate::rate::Rate;
use crate::timeline::Timeline;

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
/// A GIF, WebP or PNG file with more than one frame is a film, each frame as it is seen (composed over
/// those before it). All else is a still picture, turned as its EXIF
/// orientation says. See the [crate] for how colours become RGB.
///
/// # Errors
///
/// [`Error::TooLarge`] before anything too large is decoded, [`Error::Format`] for other kinds of
/// files, [`Error::Broken`] for damaged ones. No bytes make it panic.
pub fn decode(bytes: &[u8], name: &str, limits: &Limits) -> Result<Media> {
    guarded(bytes, name, limits, |source| source.media())
}

/// Reads a file as one still picture: of an animation, the picture that a viewer of stills shows.
///
/// # Errors
///
/// Those of [`decode`].
pub fn decode_still(bytes: &[u8], name: &str, limits: &Limits) -> Result<Image> {
    guarded(bytes, name, limits, |source| source.still())
}

fn guarded<T>(
    bytes: &[u8],
    name: &str,
    limits: &Limits,
    read: impl FnOnce(&Source) -> Result<T>,
) -> Result<T> {
    limits.check_bytes(name, bytes.len() as u64)?;
    let Some(format) = Format::of(bytes) else {
        return Err(Error::Format {
            name: name.to_owned(),
            found: describe(bytes),
        });
    };
    let source = Source {
        bytes,
        name,
        format,
        limits,
    };
    // The decoders mean never to panic, but their format is the attacker's; the one bound that
    // holds whatever they do is this. Nothing of theirs outlives the call.
    catch_unwind(AssertUnwindSafe(|| read(&source)))
        .unwrap_or_else(|_| Err(source.broken("the decoder failed on it")))
}

struct Source<'a> {
    bytes: &'a [u8],
    name: &'a str,
    format: Format,
    limits: &'a Limits,
}

impl Source<'_> {
    fn media(&self) -> Result<Media> {
        let found = probe(self.bytes);
        if self.format == Format::Gif && !found.is_some_and(|found| found.whole) {
            return Err(self.broken("it is cut short, or damaged between its frames"));
        }
        if !found.is_some_and(|found| found.animated) {
            return self.still().map(Media::Image);
        }
        let mut frames = match self.format {
            Format::Gif => self.gif_frames()?,
            Format::WebP => {
                let decoder = self.limited(self.webp()?)?;
                self.frames(decoder.dimensions(), decoder.into_frames())?
            }
            _ => self.mended(|bytes| {
                let decoder = self.limited(self.png(bytes)?)?;
                let size = decoder.dimensions();
                self.frames(size, self.ok(decoder.apng())?.into_frames())
            })?,
        };
        match frames.pictures.len() {
            0 => Err(self.broken(NO_FRAME)),
            1 => Ok(Media::Image(frames.pictures.swap_remove(0))),
            count => {
                debug_assert_eq!(count, frames.starts.len());
                let timeline = Timeline::new(NANOSECONDS, frames.starts, frames.end);
                Ok(Media::Film(Film::new(
                    frames.pictures,
                    timeline,
                    self.name,
                )?))
            }
        }
    }

    fn still(&self) -> Result<Image> {
        match self.format {
            Format::Jpeg => self.jpeg(),
            Format::Gif => match self.gif_frame(&mut self.gif()?)? {
                Some(shown) => Ok(shown.image),
                None => Err(self.broken(NO_FRAME)),
            },
            Format::WebP => {
                let mut image = self.picture(self.webp()?)?;
                image.stored.mode = Mode::WithAlpha;
                Ok(image)
            }
            Format::Png => {
                let mut image = self.mended(|bytes| self.picture(self.png(bytes)?))?;
                let [depth, kind] = [24, 25].map(|at| self.bytes.get(at).copied());
                image.stored.mode = match (kind, depth) {
                    (Some(3), _) | (Some(0), Some(1)) => Mode::Indexed,
                    (Some(4 | 6), _) => Mode::WithAlpha,
                    _ => Mode::Colours,
                };
                if kind == Some(2) {
                    // Who makes pictures RGB leaves those alone that are, a colour that counts as
                    // transparent or not.
                    image.alpha = None;
                }
                Ok(image)
            }
        }
    }

    fn jpeg(&self) -> Result<Image> {
        let fit = |(width, height): (u32, u32), most| {
            let divisor = self.limits.divisor(width, height, most);
            let (width, height) = (width.div_ceil(divisor), height.div_ceil(divisor));
            self.limits.check_size(self.name, width, height)?;
            Ok((divisor, width, height))
        };
        // First, so that what claims to be too large is told as that, whatever else is wrong with it.
        if let Some(size) = jpeg_size(self.bytes) {
            fit(size, MOST_REDUCED)?;
        }
        let jpeg = Jpeg::open(self.bytes).map_err(|reason| self.broken(&reason))?;
        // A progressive file is held in full size before it is reduced.
        let most = if jpeg.is_progressive() {
            2
        } else {
            MOST_REDUCED
        };
        let (divisor, width, height) = fit(jpeg.size(), most)?;
        let turn = jpeg.exif().and_then(Orientation::from_exif_chunk);
        let rgb = jpeg.rgb(divisor as usize);
        let image = Image::of(width, height, rgb.map_err(|reason| self.broken(&reason))?);
        Ok(image.upright(turn.unwrap_or(Orientation::NoTransforms)))
    }

    fn webp(&self) -> Result<WebPDecoder<Cursor<&[u8]>>> {
        if !webp_is_whole(self.bytes) {
            return Err(self.broken("it is cut short"));
        }
        self.ok(WebPDecoder::new(Cursor::new(self.bytes)))
    }

    fn png<'b>(&self, bytes: &'b [u8]) -> Result<PngDecoder<Cursor<&'b [u8]>>> {
        if let Some(found) = probe(bytes) {
            // The decoder would refuse it, too, but without the figures.
            self.limits
                .check_size(self.name, found.width, found.height)?;
        }
        let limits = self.limits.for_decoder();
        self.ok(PngDecoder::with_limits(Cursor::new(bytes), limits))
    }

    /// Reads a PNG file as it is or, where that fails, without what Pillow does without.
    fn mended<T>(&self, read: impl Fn(&[u8]) -> Result<T>) -> Result<T> {
        let result = read(self.bytes);
        if let Err(Error::Broken { .. }) = result
            && let Some(bytes) = png_mending::mended(self.bytes)
        {
            return read(&bytes);
        }
        result
    }

    /// The picture, turned as its EXIF orientation says.
    fn picture(&self, decoder: impl ImageDecoder) -> Result<Image> {
        let mut decoder = self.limited(decoder)?;
        // A picture with damaged metadata is still a picture.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let picture = self.ok(DynamicImage::from_decoder(decoder))?;
        Ok(to_image(picture).upright(orientation))
    }

    fn gif(&self) -> Result<Gif<'_>> {
        let whole = probe(self.bytes).is_some_and(|found| found.whole);
        Gif::open(self.bytes, whole, self.limits.max_pixels).map_err(|reason| self.broken(&reason))
    }

    fn gif_frame(&self, gif: &mut Gif) -> Result<Option<Shown>> {
        let shown = gif.next(|width, height| self.limits.check_size(self.name, width, height));
        shown.map_err(|error| match error {
            Stop::Refused(error) => error,
            Stop::Damaged(reason) => self.broken(&reason),
        })
    }

    fn gif_frames(&self) -> Result<Frames> {
        let mut gif = self.gif()?;
        let mut frames = Frames::default();
        while let Some(shown) = self.gif_frame(&mut gif)? {
            self.add(
                &mut frames,
                shown.image,
                i64::from(shown.hundredths) * 10_000_000,
            )?;
        }
        Ok(frames)
    }

    fn frames(&self, (width, height): (u32, u32), shown: image::Frames<'_>) -> Result<Frames> {
        let mut frames = Frames::default();
        self.limits.check_size(self.name, width, height)?;
        for frame in shown {
            let frame = self.ok(frame)?;
            let (numerator, denominator) = frame.delay().numer_denom_ms();
            let nanoseconds = i64::from(numerator) * 1_000_000 / i64::from(denominator.max(1));
            let image = to_image(DynamicImage::ImageRgba8(frame.into_buffer()));
            self.add(&mut frames, image, nanoseconds)?;
        }
        Ok(frames)
    }

    /// One more frame. As browsers do, 10 ms or less counts as 100 ms.
    fn add(&self, frames: &mut Frames, image: Image, nanoseconds: i64) -> Result<()> {
        let count = frames.pictures.len() + 1;
        self.limits
            .check_film(self.name, count, image.width, image.height)?;
        frames.pictures.push(image);
        frames.starts.push(frames.end);
        frames.end += match nanoseconds {
            ..=10_000_000 => 100_000_000,
            _ => nanoseconds,
        };
        Ok(())
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
            format: self.format.shown(),
            reason,
        }
    }
}

/// Frames read so far and when they are shown, in nanoseconds.
#[derive(Default)]
struct Frames {
    pictures: Vec<Image>,
    starts: Vec<i64>,
    end: i64,
}

const NANOSECONDS: Rate = Rate::whole(1_000_000_000);

/// The largest divisor of a picture that is too large.
const MOST_REDUCED: u32 = 8;

const NO_FRAME: &str = "it has no frame";

/// 8-bit RGB, and what of the pixels is not opaque; 16 bits keep their high byte.
fn to_image(picture: DynamicImage) -> Image {
    let (width, height) = (picture.width(), picture.height());
    let high = |values: Vec<u16>| values.into_iter().map(|value| (value >> 8) as u8).collect();
    let has_alpha = picture.color().has_alpha();
    let is_wide = picture.color().bytes_per_pixel() > picture.color().channel_count();
    let bytes: Vec<u8> = match (has_alpha, is_wide) {
        (false, false) => picture.into_rgb8().into_raw(),
        (false, true) => high(picture.into_rgb16().into_raw()),
        (true, false) => picture.into_rgba8().into_raw(),
        (true, true) => high(picture.into_rgba16().into_raw()),
    };
    match has_alpha {
        false => Image::of(width, height, bytes),
        true => Image::of_rgba(width, height, bytes.as_chunks::<4>().0),
    }
}
