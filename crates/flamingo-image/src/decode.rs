//! Bytes of a file to a picture or a film.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageResult};

use crate::apng::Apng;
use crate::delays::{self, NO_FRAME};
use crate::error::{Error, Result};
use crate::film::Film;
use crate::gif::{Gif, Stop};
use crate::jpeg::Jpeg;
use crate::kinds::describe;
use crate::limits::Limits;
use crate::picture::{Image, Mode};
use crate::png_mending;
use crate::probe::{Format, Probe, jpeg_size, probe, webp_is_whole};
use crate::timeline::Timeline;
use crate::wanted::Wanted;
use crate::webp::WebP;

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
    decode_wanted(bytes, name, &Wanted::default(), limits)
}

/// Reads a file as [`decode`] does and keeps of an animation the frames alone that are wanted. They are
/// chosen by the times that the file's structure tells, then it is decoded up to the last of them: what
/// lies in memory is the canvas, one frame, and those kept. Without times, unless all are wanted.
///
/// # Errors
///
/// Those of [`decode`] and [`Wanted::numbers`].
pub fn decode_wanted(bytes: &[u8], name: &str, wanted: &Wanted, limits: &Limits) -> Result<Media> {
    guarded(bytes, name, limits, |source| source.media(wanted))
}

/// When the frames of an animation are shown; none of a still picture. Each frame is decoded and none
/// kept, so that a film that is damaged is refused.
///
/// # Errors
///
/// Those of [`decode`].
pub fn timeline(bytes: &[u8], name: &str, limits: &Limits) -> Result<Option<Timeline>> {
    guarded(bytes, name, limits, |source| source.timeline())
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
    /// What the structure of an animation tells; none of a still picture.
    fn animation(&self) -> Result<Option<Probe>> {
        let found = probe(self.bytes);
        let is_whole = found.is_some_and(|found| found.whole);
        if self.format == Format::Gif && !is_whole {
            return Err(self.broken("it is cut short, or damaged between its frames"));
        }
        let found = found.filter(|found| found.animated);
        if self.format == Format::WebP && found.is_some() && !is_whole {
            return Err(self.broken(CUT_SHORT));
        }
        Ok(found)
    }

    fn media(&self, wanted: &Wanted) -> Result<Media> {
        let Some(found) = self.animation()? else {
            return self.still().map(Media::Image);
        };
        self.limits
            .check_size(self.name, found.width, found.height)?;
        self.read(|bytes, animation| {
            let timeline = self.times(bytes)?;
            // A PNG file of one frame is an animation only if its default picture is another one.
            if timeline.frames() == 1 && self.format != Format::Png {
                let mut kept = self.kept(&[0], animation, |frame| frame)?;
                return Ok(Media::Image(kept.swap_remove(0)));
            }
            let size = (found.width, found.height);
            self.film(size, timeline, wanted, animation)
                .map(Media::Film)
        })
    }

    fn timeline(&self) -> Result<Option<Timeline>> {
        let Some(found) = self.animation()? else {
            return self.still().map(|_| None);
        };
        let size = (found.width, found.height);
        self.limits
            .check_size(self.name, found.width, found.height)?;
        self.read(|bytes, animation| {
            let timeline = self.times(bytes)?;
            self.limits
                .check_decoded(self.name, timeline.frames(), size)?;
            for number in 0..timeline.frames() {
                self.advance(animation, number)?;
            }
            let moves = timeline.frames() > 1 || self.format == Format::Png;
            Ok(moves.then_some(timeline))
        })
    }

    fn times(&self, bytes: &[u8]) -> Result<Timeline> {
        delays::timeline(bytes, self.format).map_err(|reason| self.broken(&reason))
    }

    /// Lets an animation be read, and the bytes that it is read from.
    fn read<T>(&self, read: impl Fn(&[u8], &mut dyn Animation) -> Result<T>) -> Result<T> {
        match self.format {
            Format::Gif => read(self.bytes, &mut GifFrames(self, self.gif()?)),
            Format::WebP => read(self.bytes, &mut self.webp_frames()?),
            _ => self.mended(|bytes| read(bytes, &mut ApngFrames(self, self.apng(bytes)?))),
        }
    }

    /// What is wanted of an animation whose canvas has this size.
    fn film(
        &self,
        (width, height): (u32, u32),
        timeline: Timeline,
        wanted: &Wanted,
        animation: &mut dyn Animation,
    ) -> Result<Film> {
        let (name, limits) = (self.name, self.limits);
        let numbers = wanted.numbers(Some(&timeline), timeline.frames(), name)?;
        let (kept_width, kept_height) = match wanted.preprocess {
            None => (width, height),
            // Known when the first one is shrunk.
            Some(_) => (0, 0),
        };
        limits.check_film(name, numbers.len(), kept_width, kept_height)?;
        let decoded = numbers.last().map_or(0, |last| last + 1);
        limits.check_decoded(name, decoded, (width, height))?;
        let mut distinct = numbers.clone();
        distinct.dedup();
        let smaller = |frame| wanted.frame(frame);
        let mut kept = self.kept(&distinct, animation, smaller)?;
        if distinct.len() < numbers.len() {
            if let Some(frame) = kept.first() {
                limits.check_film(name, numbers.len(), frame.width, frame.height)?;
            }
            let place = |number: &usize| distinct.partition_point(|it| it < number);
            kept = numbers
                .iter()
                .map(|number| kept[place(number)].clone())
                .collect();
        }
        Film::new(kept, wanted.is_all().then_some(timeline), name)
    }

    /// The frames with these rising numbers, each made smaller as it comes.
    fn kept(
        &self,
        numbers: &[usize],
        animation: &mut dyn Animation,
        smaller: impl Fn(Image) -> Image,
    ) -> Result<Vec<Image>> {
        let mut kept = Vec::new();
        let mut at = 0;
        for &number in numbers {
            while at <= number {
                self.advance(animation, at)?;
                at += 1;
            }
            let frame = smaller(animation.image()?);
            let count = kept.len() + 1;
            self.limits
                .check_film(self.name, count, frame.width, frame.height)?;
            kept.push(frame);
        }
        Ok(kept)
    }

    /// Goes to the frame with this number.
    fn advance(&self, animation: &mut dyn Animation, number: usize) -> Result<()> {
        match animation.advance()? {
            true => Ok(()),
            false => Err(self.broken(&format!("it ends before its frame {}", number + 1))),
        }
    }

    fn still(&self) -> Result<Image> {
        match self.format {
            Format::Jpeg => self.jpeg(),
            Format::Gif => {
                let mut frames = GifFrames(self, self.gif()?);
                match frames.advance()? {
                    true => frames.image(),
                    false => Err(self.broken(NO_FRAME)),
                }
            }
            Format::WebP => {
                let moves = probe(self.bytes).is_some_and(|found| found.animated);
                let mut image = match moves {
                    true => self.webp_first()?,
                    false => self.picture(self.webp()?)?,
                };
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
            return Err(self.broken(CUT_SHORT));
        }
        self.ok(WebPDecoder::new(Cursor::new(self.bytes)))
    }

    fn webp_frames(&self) -> Result<WebPFrames<'_>> {
        let decoder = self.limited(self.webp()?)?;
        let (width, height) = decoder.dimensions();
        Ok(WebPFrames {
            source: self,
            webp: WebP::new(self.bytes, width, height),
            has_alpha: decoder.color_type().has_alpha(),
        })
    }

    /// The first frame of an animation, turned as its EXIF orientation says.
    fn webp_first(&self) -> Result<Image> {
        let orientation = self.webp()?.orientation();
        let mut frames = self.webp_frames()?;
        match frames.advance()? {
            true => Ok(frames
                .image()?
                .upright(orientation.unwrap_or(Orientation::NoTransforms))),
            false => Err(self.broken(NO_FRAME)),
        }
    }

    fn apng<'b>(&self, bytes: &'b [u8]) -> Result<Apng<'b>> {
        let max_bytes = self.limits.for_decoder().max_alloc.unwrap_or(u64::MAX);
        let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let fits = |width, height| {
            self.limits
                .check_size(self.name, width, height)
                .map_err(Stop::Refused)
        };
        Apng::open(bytes, max_bytes, fits).map_err(|stop| self.stopped(stop))
    }

    fn stopped(&self, stop: Stop) -> Error {
        match stop {
            Stop::Refused(error) => error,
            Stop::Damaged(reason) => self.broken(&reason),
        }
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

/// An animation that is read frame by frame.
trait Animation {
    /// Goes to the next frame; whether there is one.
    fn advance(&mut self) -> Result<bool>;

    /// The frame as it is seen: composed over those before it.
    fn image(&mut self) -> Result<Image>;
}

struct GifFrames<'a>(&'a Source<'a>, Gif<'a>);

impl Animation for GifFrames<'_> {
    fn advance(&mut self) -> Result<bool> {
        let Self(source, gif) = self;
        let fits = |width, height| source.limits.check_size(source.name, width, height);
        gif.advance(fits).map_err(|stop| source.stopped(stop))
    }

    fn image(&mut self) -> Result<Image> {
        Ok(self.1.image())
    }
}

struct ApngFrames<'a, 'b>(&'a Source<'a>, Apng<'b>);

impl Animation for ApngFrames<'_, '_> {
    fn advance(&mut self) -> Result<bool> {
        let Self(source, apng) = self;
        apng.advance()
            .map_err(|error| source.broken(&error.to_string()))
    }

    fn image(&mut self) -> Result<Image> {
        let (width, height) = self.1.canvas.sides();
        Ok(Image::of_rgba(width, height, &self.1.canvas.pixels))
    }
}

struct WebPFrames<'a> {
    source: &'a Source<'a>,
    webp: WebP<'a>,
    /// Whether the file says that it has transparency; all of it is opaque otherwise.
    has_alpha: bool,
}

impl Animation for WebPFrames<'_> {
    fn advance(&mut self) -> Result<bool> {
        let Self { source, webp, .. } = self;
        let found = webp.next().map_err(|reason| source.broken(&reason))?;
        let Some(frame) = found else {
            return Ok(false);
        };
        let decoder = source.ok(WebPDecoder::new(Cursor::new(&frame.still[..])))?;
        let picture = source.ok(DynamicImage::from_decoder(source.limited(decoder)?))?;
        let has_alpha = picture.color().has_alpha();
        let pixels = picture.into_rgba8().into_raw();
        webp.lay(&frame, pixels.as_chunks::<4>().0, has_alpha);
        Ok(true)
    }

    fn image(&mut self) -> Result<Image> {
        let (width, height) = self.webp.canvas.sides();
        let mut image = Image::of_rgba(width, height, &self.webp.canvas.pixels);
        if !self.has_alpha {
            image.alpha = None;
        }
        Ok(image)
    }
}

/// The largest divisor of a picture that is too large.
const MOST_REDUCED: u32 = 8;

const CUT_SHORT: &str = "it is cut short";

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
