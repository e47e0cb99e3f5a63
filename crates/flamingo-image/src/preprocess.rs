//! A picture to the numbers that a vision encoder takes.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::picture::{Image, Mode, Stored};
use crate::resize::{
    Filter, PassOrder, Target, Window, resize_colours, resize_nearest, resize_transparent,
};
use crate::tiles::{Canvas, Tiling};

/// Mean colour of CLIP's training pictures, in 0 to 1; the default.
pub const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Standard deviation of CLIP's training pictures, in 0 to 1; the default.
pub const CLIP_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// How a picture of any shape becomes a square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The longer side is resized, the picture centred, the rest filled with the mean colour, which
    /// is 0 after normalisation (the Flamingo paper, section 2.1).
    Pad,
    /// The shorter side is resized and the centre cut out (CLIP: torchvision's `Resize` and
    /// `CenterCrop`).
    CenterCrop,
    /// Both sides are resized, the aspect is lost (IDEFICS).
    Squash,
    /// It becomes several squares: it is laid into the upper left corner of a canvas of them, resized
    /// as little as that takes and with its aspect, and the rest is black (Llama-3.2-Vision).
    Tiles {
        /// Most squares.
        #[serde(deserialize_with = "tiles")]
        most: usize,
    },
}

/// What transparency becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transparency {
    /// It is dropped, and each pixel keeps its colour however little it shows, as Pillow's
    /// `convert("RGB")` (CLIP, OpenFlamingo).
    #[default]
    Drop,
    /// White paper behind the picture (IDEFICS).
    White,
}

/// When a picture becomes RGB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// Before it is resized, and turned as its EXIF orientation says: as models are trained.
    #[default]
    First,
    /// After it is resized, in the way of its own kind, and as it is stored: `open_clip`'s
    /// evaluation transform. Colours of transparent pixels count by their opacity, pictures with a
    /// palette and those of 1 bit are resized by the nearest pixel, none is turned.
    AfterResize,
}

/// What an encoder expects of its pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Side of the square, in pixels: 1 to 4,096.
    #[serde(deserialize_with = "side")]
    pub size: usize,
    /// How the picture gets there.
    pub fit: Fit,
    /// Mean of each channel, in 0 to 1.
    #[serde(default = "clip_mean", deserialize_with = "finite")]
    pub mean: [f32; 3],
    /// Standard deviation of each channel, above 0.
    #[serde(default = "clip_std", deserialize_with = "positive")]
    pub std: [f32; 3],
    /// What transparency becomes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub transparency: Transparency,
    /// When the picture becomes RGB.
    #[serde(default, skip_serializing_if = "is_default")]
    pub conversion: Conversion,
    /// Which side is resized first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pass_order: PassOrder,
    /// How pixels between others are found.
    #[serde(default, skip_serializing_if = "is_default")]
    pub filter: Filter,
}

impl Preprocess {
    /// CLIP's mean and standard deviation with the given size and fit.
    pub fn clip(size: usize, fit: Fit) -> Self {
        Self {
            size,
            fit,
            mean: CLIP_MEAN,
            std: CLIP_STD,
            transparency: Transparency::default(),
            conversion: Conversion::default(),
            pass_order: PassOrder::default(),
            filter: Filter::default(),
        }
    }

    /// Whether transparency, conversion, order of the passes and filter are the default ones, as they
    /// were before they could be set, and pictures are one square.
    pub fn is_plain(&self) -> bool {
        is_default(&self.transparency)
            && is_default(&self.conversion)
            && is_default(&self.pass_order)
            && is_default(&self.filter)
            && !self.is_tiled()
    }

    /// Whether a picture can become several squares.
    pub fn is_tiled(&self) -> bool {
        matches!(self.fit, Fit::Tiles { .. })
    }

    /// Rows and columns of the squares that the picture becomes.
    pub fn tiling(&self, image: &Image) -> Tiling {
        match self.fit {
            Fit::Tiles { most } => self.canvas(image, most).tiling,
            Fit::Pad | Fit::CenterCrop | Fit::Squash => [1, 1],
        }
    }

    fn canvas(&self, image: &Image, most: usize) -> Canvas {
        let sides = match self.conversion {
            Conversion::First => [image.width, image.height],
            Conversion::AfterResize => image.stored_sides(),
        };
        Canvas::of(sides, self.size.max(1) as u32, most)
    }

    /// The picture's channels, each value `(x / 255 - mean) / std`; of one square after the other where
    /// there are several.
    ///
    /// # Shapes
    ///
    /// `[tiles * 3 * size * size]`: channels first, then rows, then columns.
    pub fn pixels(&self, image: &Image) -> Vec<f32> {
        let area = self.size * self.size;
        if self.is_tiled() {
            return self.tiles(image);
        }
        let mut pixels = vec![0.0; 3 * area];
        if area == 0 {
            return pixels;
        }
        let placed = self.place(image);
        let tables = self.tables();
        for (channel, plane) in pixels.chunks_exact_mut(area).enumerate() {
            for (y, row) in placed.rows().enumerate() {
                let start = (placed.top + y) * self.size + placed.left;
                for (value, color) in plane[start..].iter_mut().zip(row.chunks_exact(3)) {
                    *value = tables[channel][usize::from(color[channel])];
                }
            }
        }
        pixels
    }

    /// The pixels of all squares, one after the other.
    fn tiles(&self, image: &Image) -> Vec<f32> {
        let ([rows, columns], size) = (self.tiling(image), self.size);
        let canvas = self.picture(image);
        let tables = self.tables();
        let mut pixels = Vec::with_capacity(canvas.rgb.len());
        for tile in 0..rows * columns {
            let (top, left) = (tile / columns * size, tile % columns * size);
            for (channel, table) in tables.iter().enumerate() {
                for y in top..top + size {
                    let start = 3 * (y * columns * size + left);
                    let row = canvas.rgb[start..start + 3 * size].as_chunks::<3>().0;
                    pixels.extend(row.iter().map(|color| table[usize::from(color[channel])]));
                }
            }
        }
        pixels
    }

    /// The picture in the size in which it stands in the square, without transparency: what
    /// [`Preprocess::pixels`] makes the same numbers of, in less memory. Whole where its size says
    /// which squares it is cut into.
    pub fn shrunk(&self, image: &Image) -> Image {
        if self.is_tiled() {
            return image.clone();
        }
        let mut shrunk = self.place(image).image;
        shrunk.alpha = None;
        shrunk.stored = Stored::default();
        shrunk
    }

    /// The square that the encoder sees, or all of them, as a picture (to draw its attention on, for
    /// one).
    pub fn picture(&self, image: &Image) -> Image {
        let side = self.size.max(1);
        let [rows, columns] = self.tiling(image);
        let placed = self.place(image);
        let (width, height) = (side * columns, side * rows);
        let filling = match self.is_tiled() {
            true => [0; 3],
            false => self.mean.map(|mean| (mean * 255.0).round() as u8),
        };
        let mut canvas = Image::solid(width as u32, height as u32, filling);
        for (y, row) in placed.rows().enumerate() {
            let start = 3 * ((placed.top + y) * width + placed.left);
            canvas.rgb[start..start + row.len()].copy_from_slice(row);
        }
        canvas
    }

    /// The normalised value of each byte, per channel, rounded as the models' processors round it.
    fn tables(&self) -> [[f32; 256]; 3] {
        let is_tiled = self.is_tiled();
        std::array::from_fn(|channel| {
            let (mean, std) = (self.mean[channel], self.std[channel]);
            std::array::from_fn(|byte| match is_tiled {
                true => (byte as f32 - mean * 255.0) / (std * 255.0),
                false => (byte as f32 / 255.0 - mean) / std,
            })
        })
    }

    /// The part of the square that the picture fills.
    fn place(&self, image: &Image) -> Placed {
        match self.conversion {
            Conversion::First => self.place_rgb(image),
            Conversion::AfterResize => self.place_rgb(&image.as_stored()),
        }
    }

    fn place_rgb(&self, image: &Image) -> Placed {
        let size = self.size.max(1) as u32;
        let (width, height) = (image.width, image.height);
        let whole = |width, height| (width, height, Window::whole(width, height));
        let (width, height, window) = match self.fit {
            Fit::Squash => whole(size, size),
            Fit::Pad => {
                let longer = width.max(height);
                whole(rounded(width, size, longer), rounded(height, size, longer))
            }
            Fit::CenterCrop => {
                let shorter = width.min(height);
                let [width, height] = [width, height].map(|side| floored(side, size, shorter));
                let window = Window {
                    left: half_to_even(width - size),
                    top: half_to_even(height - size),
                    width: size,
                    height: size,
                };
                (width, height, window)
            }
            Fit::Tiles { most } => {
                let [width, height] = Canvas::of([width, height], size, most).sides;
                whole(width, height)
            }
        };
        let to = Target {
            width,
            height,
            window,
            order: self.pass_order,
            filter: self.filter,
        };
        let image = self.resized(image, &to);
        match self.is_tiled() {
            true => Placed {
                image,
                left: 0,
                top: 0,
            },
            false => Placed::new(image, size),
        }
    }

    /// The picture resized, and without transparency.
    fn resized(&self, image: &Image, to: &Target) -> Image {
        if self.conversion == Conversion::First {
            return match self.transparency {
                Transparency::Drop => resize_colours(image, to),
                Transparency::White => resize_colours(&image.on_white(), to),
            };
        }
        let resized = match (image.stored.mode, &image.alpha) {
            (Mode::Indexed, _) => resize_nearest(image, to),
            (Mode::WithAlpha, Some(alpha)) => resize_transparent(image, alpha, to),
            _ => resize_colours(image, to),
        };
        match self.transparency {
            Transparency::Drop => resized,
            Transparency::White => resized.on_white().into_owned(),
        }
    }
}

/// A resized picture and its place in the square.
struct Placed {
    image: Image,
    left: usize,
    top: usize,
}

impl Placed {
    /// In the centre of a square of side `size`.
    fn new(image: Image, size: u32) -> Self {
        let left = ((size - image.width) / 2) as usize;
        let top = ((size - image.height) / 2) as usize;
        Self { image, left, top }
    }

    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.image.rgb.chunks_exact(3 * self.image.width as usize)
    }
}

/// `side * size / longer`, rounded, at least 1.
fn rounded(side: u32, size: u32, longer: u32) -> u32 {
    let (side, size, longer) = (u64::from(side), u64::from(size), u64::from(longer));
    (((2 * side * size + longer) / (2 * longer)) as u32).max(1)
}

/// `side * size / shorter`, rounded down, as torchvision's `Resize` does.
fn floored(side: u32, size: u32, shorter: u32) -> u32 {
    let scaled = u64::from(side) * u64::from(size) / u64::from(shorter);
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

/// `n / 2` with halves to the even neighbour, as Python's `round` in torchvision's `CenterCrop`.
fn half_to_even(n: u32) -> u32 {
    let half = n / 2;
    half + (n % 2) * (half % 2)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn clip_mean() -> [f32; 3] {
    CLIP_MEAN
}

fn clip_std() -> [f32; 3] {
    CLIP_STD
}

fn side<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let size = usize::deserialize(deserializer)?;
    if (1..=4096).contains(&size) {
        return Ok(size);
    }
    Err(D::Error::custom(format!(
        "picture size {size} is out of range; give 1 to 4096 pixels"
    )))
}

fn tiles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let most = usize::deserialize(deserializer)?;
    if (1..=64).contains(&most) {
        return Ok(most);
    }
    Err(D::Error::custom(format!(
        "{most} tiles of a picture are out of range; give 1 to 64"
    )))
}

fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f32; 3], D::Error> {
    let mean = <[f32; 3]>::deserialize(deserializer)?;
    if mean.iter().all(|value| value.is_finite()) {
        return Ok(mean);
    }
    Err(D::Error::custom(format!(
        "mean {mean:?} is not finite; give three numbers from 0 to 1"
    )))
}

fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f32; 3], D::Error> {
    let std = <[f32; 3]>::deserialize(deserializer)?;
    if std.iter().all(|value| value.is_normal() && *value > 0.0) {
        return Ok(std);
    }
    Err(D::Error::custom(format!(
        "std {std:?} cannot be divided by; give three numbers above 0"
    )))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn grey(fit: Fit, size: usize) -> Preprocess {
        Preprocess {
            mean: [0.5; 3],
            std: [0.25; 3],
            ..Preprocess::clip(size, fit)
        }
    }

    #[test]
    fn channels_come_first_and_are_normalised() {
        let image = Image::solid(7, 7, [0, 255, 51]);
        let pixels = grey(Fit::Squash, 5).pixels(&image);
        let expected = [[-2.0; 25], [2.0; 25], [-1.2; 25]].concat();
        assert!(
            pixels
                .iter()
                .zip(&expected)
                .all(|(a, b)| (a - b).abs() < 1e-6),
            "{pixels:?}"
        );
        assert_eq!(pixels.len(), expected.len());
    }

    #[test]
    fn padding_is_zero_after_normalisation_and_keeps_the_aspect() {
        let pixels = grey(Fit::Pad, 5).pixels(&Image::solid(20, 11, [255; 3]));
        // 20x11 becomes 5x3 with a line above and a line below.
        for (at, value) in pixels.iter().enumerate() {
            let y = at / 5 % 5;
            assert_eq!(*value, if (1..4).contains(&y) { 2.0 } else { 0.0 }, "{at}");
        }
        let tall = grey(Fit::Pad, 4).pixels(&Image::solid(11, 33, [255; 3]));
        assert_eq!(tall[..4], [0.0, 2.0, 0.0, 0.0]);
    }

    #[test]
    fn the_picture_shown_is_the_picture_seen() {
        let image = Image::from_fn(23, 13, |x, y| [(x * 11) as u8, (y * 19) as u8, 77]);
        for fit in [Fit::Pad, Fit::CenterCrop, Fit::Squash] {
            let preprocess = Preprocess::clip(7, fit);
            let square = preprocess.picture(&image);
            let pixels = preprocess.pixels(&image);
            for (at, color) in square.rgb.chunks_exact(3).enumerate() {
                for channel in 0..3 {
                    let value = pixels[channel * 49 + at] * CLIP_STD[channel] + CLIP_MEAN[channel];
                    assert!(
                        (value * 255.0 - f32::from(color[channel])).abs() < 0.51,
                        "{fit:?} {at}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_shrunk_picture_gives_the_same_numbers() {
        let mut image = Image::from_fn(23, 13, |x, y| [(x * 11) as u8, (y * 19) as u8, 77]);
        image.alpha = Some((0..23 * 13).map(|k| (k % 256) as u8).collect());
        for fit in [Fit::Pad, Fit::CenterCrop, Fit::Squash] {
            for transparency in [Transparency::Drop, Transparency::White] {
                for conversion in [Conversion::First, Conversion::AfterResize] {
                    for size in [7, 31] {
                        let preprocess = Preprocess {
                            transparency,
                            conversion,
                            ..Preprocess::clip(size, fit)
                        };
                        let shrunk = preprocess.shrunk(&image);
                        assert!(shrunk.width as usize <= size && shrunk.is_opaque());
                        assert_eq!(preprocess.pixels(&shrunk), preprocess.pixels(&image));
                    }
                }
            }
        }
    }

    #[test]
    fn transparency_becomes_what_the_model_was_trained_with() {
        let mut image = Image::solid(7, 5, [0, 255, 51]);
        image.alpha = Some(vec![0; 35]);
        let seen = |transparency| {
            let preprocess = Preprocess {
                transparency,
                ..grey(Fit::Squash, 3)
            };
            preprocess.picture(&image).pixel(1, 1)
        };
        assert_eq!(seen(Transparency::Drop), [0, 255, 51]);
        assert_eq!(seen(Transparency::White), [255; 3]);
    }

    #[test]
    fn a_file_from_before_these_settings_means_their_defaults() {
        let text = r#"{"size":48,"fit":"squash","transparency":"white","conversion":"after_resize","pass_order":"cheaper"}"#;
        let set: Preprocess = serde_json::from_str(text).unwrap();
        let expected = Preprocess {
            transparency: Transparency::White,
            conversion: Conversion::AfterResize,
            pass_order: PassOrder::Cheaper,
            ..Preprocess::clip(48, Fit::Squash)
        };
        assert_eq!(set, expected);
        let written = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<Preprocess>(&written).unwrap(), set);
    }

    #[test]
    fn tiles_are_cut_row_by_row_from_a_canvas_that_is_black_beside_the_picture() {
        let preprocess = grey(Fit::Tiles { most: 4 }, 5);
        // 11 pixels wide, 7 high: three tiles side by side would do for the width, and not for the height.
        let image = Image::from_fn(8, 7, |x, y| {
            [if x < 5 { 0 } else { 255 }, (y / 5 * 255) as u8, 255]
        });
        assert_eq!(preprocess.tiling(&image), [2, 2]);
        let canvas = preprocess.picture(&image);
        assert_eq!((canvas.width, canvas.height), (10, 10));
        assert_eq!(canvas.pixel(8, 0), [0; 3]);
        let pixels = preprocess.pixels(&image);
        assert_eq!(pixels.len(), 4 * 3 * 25);
        let at = |tile: usize, channel: usize, y: usize, x: usize| {
            pixels[((tile * 3 + channel) * 5 + y) * 5 + x]
        };
        assert_eq!(
            [at(0, 0, 0, 4), at(1, 0, 0, 0), at(1, 0, 0, 3)],
            [-2.0, 2.0, -2.0]
        );
        assert_eq!(
            [at(1, 1, 4, 0), at(3, 1, 0, 0), at(3, 1, 2, 0)],
            [-2.0, 2.0, -2.0]
        );
        assert_eq!([at(2, 2, 1, 4), at(2, 2, 2, 4)], [2.0, -2.0]);
        assert!(!preprocess.is_plain());
    }

    #[test]
    fn sides_are_rounded_as_torchvision_does() {
        assert_eq!([0, 1, 2, 3, 5, 7].map(half_to_even), [0, 0, 1, 2, 2, 4]);
        assert_eq!(floored(51, 32, 17), 96);
        assert_eq!(floored(300, 32, 90), 106);
        assert_eq!(rounded(1, 7, 20_000), 1);
    }

    #[test]
    fn a_very_long_picture_costs_no_more_than_its_crop() {
        let line = Image::from_fn(20_000, 1, |x, _| [(x % 251) as u8; 3]);
        let pixels = Preprocess::clip(224, Fit::CenterCrop).pixels(&line);
        assert_eq!(pixels.len(), 3 * 224 * 224);
    }

    #[test]
    fn settings_that_cannot_work_are_refused_with_their_value() {
        let ok: Preprocess = serde_json::from_str(r#"{"size":48,"fit":"center_crop"}"#).unwrap();
        assert_eq!(ok, Preprocess::clip(48, Fit::CenterCrop));
        for (text, says) in [
            (r#"{"size":0,"fit":"pad"}"#, "picture size 0 "),
            (
                r#"{"size":48,"fit":"pad","std":[1,0,1]}"#,
                "[1.0, 0.0, 1.0]",
            ),
            (r#"{"size":48,"fit":"pad","men":[1,0,1]}"#, "men"),
            (r#"{"size":48,"fit":"stretch"}"#, "stretch"),
            (r#"{"size":48,"fit":{"tiles":{"most":0}}}"#, "0 tiles"),
        ] {
            let error = serde_json::from_str::<Preprocess>(text)
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
