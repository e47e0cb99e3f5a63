//! GIF files, composed as Pillow composes them.
//!
//! What no frame has painted shows the first colour of the palette, or the transparent one where
//! the first frame has such; what a frame clears shows its transparent colour, or the background's.
//! A frame that does not say what becomes of it is treated as the one before it.

use std::io::{Cursor, Read};

use gif::{ColorOutput, DecodeOptions, Decoder, DisposalMethod, MemoryLimit};

use crate::canvas::Area;
use crate::error::Error;
use crate::picture::{Image, Mode};

/// A file that is read frame by frame.
pub(crate) struct Gif<'a> {
    decoder: Decoder<Box<dyn Read + 'a>>,
    width: u32,
    height: u32,
    /// What all frames so far have painted; none before the first.
    canvas: Vec<[u8; 4]>,
    /// Whether the first frame has a transparent colour: what later ones clear is transparent, too.
    has_holes: bool,
    /// What becomes of a frame that does not say it.
    disposal: DisposalMethod,
    /// What is painted before the next frame.
    dispose: Option<(Area, Vec<[u8; 4]>)>,
    /// Whether the colours of the last frame are shades of grey.
    are_grey: bool,
}

/// Why there is no next frame.
pub(crate) enum Stop {
    /// It is too large.
    Refused(Error),
    /// What is wrong with the file.
    Damaged(String),
}

impl From<png::DecodingError> for Stop {
    fn from(error: png::DecodingError) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl<'a> Gif<'a> {
    /// Reads up to the first frame. `max_pixels` bounds the memory of each frame. As in viewers, the
    /// end mark may be missing; `whole` says that nothing else is.
    pub(crate) fn open(bytes: &'a [u8], whole: bool, max_pixels: u64) -> Result<Self, String> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::Indexed);
        options.set_memory_limit(MemoryLimit::Bytes(
            max_pixels.max(1).try_into().expect("it is at least 1"),
        ));
        let file: Box<dyn Read> = match whole && bytes.last() != Some(&0x3B) {
            true => Box::new(Cursor::new(bytes).chain(&b";"[..])),
            false => Box::new(bytes),
        };
        let decoder = options.read_info(file).map_err(|error| error.to_string())?;
        let (width, height) = (decoder.width().into(), decoder.height().into());
        Ok(Self {
            decoder,
            width,
            height,
            canvas: Vec::new(),
            has_holes: false,
            disposal: DisposalMethod::Any,
            dispose: None,
            are_grey: false,
        })
    }

    /// Paints the next frame; whether there is one. `fits` is asked for the sizes of canvas and frame before
    /// anything of them is allocated: a first frame that is larger enlarges the canvas.
    pub(crate) fn advance(
        &mut self,
        fits: impl Fn(u32, u32) -> Result<(), Error>,
    ) -> Result<bool, Stop> {
        let fits = |width, height| fits(width, height).map_err(Stop::Refused);
        let failed = |error: gif::DecodingError| Stop::Damaged(error.to_string());
        let Some(frame) = self.decoder.next_frame_info().map_err(failed)? else {
            return Ok(false);
        };
        let area = Area {
            left: frame.left.into(),
            top: frame.top.into(),
            width: frame.width.into(),
            height: frame.height.into(),
        };
        let transparent = frame.transparent;
        if frame.dispose != DisposalMethod::Any {
            self.disposal = frame.dispose;
        }
        let own = frame.palette.clone();
        if self.canvas.is_empty() {
            self.has_holes = transparent.is_some();
            self.width = self.width.max((area.left + area.width) as u32);
            self.height = self.height.max((area.top + area.height) as u32);
        }
        let (width, height) = (self.width, self.height);
        if width == 0 || height == 0 {
            return Err(Stop::Damaged(format!("its size is {width}x{height}")));
        }
        fits(width, height)?;
        fits(area.width as u32, area.height as u32)?;
        let mut places = vec![0; self.decoder.buffer_size()];
        self.decoder.read_into_buffer(&mut places).map_err(failed)?;
        let palette = own.or_else(|| self.decoder.global_palette().map(<[u8]>::to_vec));
        let colours = Colours::new(&palette.unwrap_or_default(), transparent);
        self.compose(area, &places, &colours);
        self.are_grey = colours.are_grey;
        Ok(true)
    }

    /// Paints a frame over those before it.
    fn compose(&mut self, area: Area, places: &[u8], colours: &Colours) {
        let transparent = colours.transparent;
        let is_first = self.canvas.is_empty();
        if is_first {
            let empty = colours.of(transparent.unwrap_or(0));
            self.canvas = vec![empty; self.width as usize * self.height as usize];
        }
        if let Some((area, pixels)) = self.dispose.take() {
            self.paint(area, &pixels, |&pixel| Some(pixel));
        }
        let filled = |pixel| vec![pixel; area.width * area.height];
        let background = self.decoder.bg_color().unwrap_or(0) as u8;
        let cleared = match self.disposal {
            DisposalMethod::Background => {
                Some(filled(colours.of(transparent.unwrap_or(background))))
            }
            DisposalMethod::Previous if !is_first => Some(self.copy(area)),
            DisposalMethod::Previous => transparent.map(|place| filled(colours.of(place))),
            _ => None,
        };
        self.dispose = cleared.map(|pixels| (area, pixels));
        self.paint(area, places, |&place| {
            let is_shown = is_first || Some(place) != transparent;
            is_shown.then(|| colours.of(place))
        });
    }

    /// The last frame as it is seen.
    pub(crate) fn image(&self) -> Image {
        let mut image = Image::of_rgba(self.width, self.height, &self.canvas);
        if !self.has_holes {
            image.alpha = None;
        }
        if !self.are_grey {
            image.stored.mode = Mode::Indexed;
        }
        image
    }

    /// Paints what of an area lies on the canvas, but where a value has no pixel.
    fn paint<T>(&mut self, area: Area, values: &[T], pixel: impl Fn(&T) -> Option<[u8; 4]>) {
        let rows = self.canvas.chunks_exact_mut(self.width as usize);
        let lines = values.chunks_exact(area.width.max(1));
        for (row, line) in rows.skip(area.top).zip(lines) {
            for (to, value) in row.iter_mut().skip(area.left).zip(line) {
                if let Some(pixel) = pixel(value) {
                    *to = pixel;
                }
            }
        }
    }

    /// The pixels of an area; what lies outside of the canvas is never painted.
    fn copy(&self, area: Area) -> Vec<[u8; 4]> {
        let (width, height) = (self.width as usize, self.height as usize);
        let pixel = |at: usize| {
            let (x, y) = (area.left + at % area.width, area.top + at / area.width);
            match x < width && y < height {
                true => self.canvas[y * width + x],
                false => [0; 4],
            }
        };
        (0..area.width * area.height).map(pixel).collect()
    }
}

/// The colours of a frame.
struct Colours {
    by_place: [[u8; 4]; 256],
    transparent: Option<u8>,
    /// Whether each is the shade of grey of its place: such a picture counts as grey, not as one
    /// with a palette.
    are_grey: bool,
}

impl Colours {
    /// Places after the end of the palette are shades of grey.
    fn new(palette: &[u8], transparent: Option<u8>) -> Self {
        let listed = palette.as_chunks::<3>().0;
        let mut by_place: [[u8; 4]; 256] = std::array::from_fn(|place| {
            let [r, g, b] = listed.get(place).copied().unwrap_or([place as u8; 3]);
            [r, g, b, 255]
        });
        let mut listed = (0_u8..=255).zip(&by_place);
        let are_grey = listed.all(|(place, colour)| colour[..3] == [place; 3]);
        if let Some(place) = transparent {
            by_place[usize::from(place)][3] = 0;
        }
        Self {
            by_place,
            transparent,
            are_grey,
        }
    }

    fn of(&self, place: u8) -> [u8; 4] {
        self.by_place[usize::from(place)]
    }
}
