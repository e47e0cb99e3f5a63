//! Pictures and films: decode, resize, normalise, sample frames.
//!
//! Bytes or a path become a [`Media`] ([`decode`], [`load`]) under [`Limits`] that refuse
//! decompression bombs before they are decoded; [`Preprocess`] turns a picture into the numbers a
//! vision encoder takes; a [`Timeline`] says which frames of a film a model is shown.
//!
//! A picture is 8-bit RGB and, where it lets a background through, how much ([`Image::alpha`]);
//! greyscale is repeated, 16 bits keep their high byte (where Pillow clips 16-bit greyscale to
//! white), colour profiles are not applied. What transparency becomes, whether that comes before or
//! after resizing, and which side is resized first are settings of [`Preprocess`]: models differ
//! in it. JPEG, GIF, PNG and lossless WebP give the bytes that Pillow gives.

#![warn(missing_docs)]

mod apng;
mod bound;
mod canvas;
mod decode;
mod delays;
mod error;
mod film;
mod gif;
mod jpeg;
mod kinds;
mod limits;
mod load;
mod luma;
mod picture;
mod png_mending;
mod preprocess;
mod probe;
mod rate;
mod resize;
mod tiles;
mod timeline;
mod wanted;
mod webp;

pub use crate::bound::Bound;
pub use crate::decode::{Media, decode, decode_still, decode_wanted, timeline};
pub use crate::error::{Error, Result};
pub use crate::film::Film;
pub use crate::limits::Limits;
pub use crate::load::{load, load_frames, load_timeline, load_wanted};
pub use crate::luma::{Luma, decode_luma};
pub use crate::picture::{Image, Mode, Stored};
pub use crate::preprocess::{CLIP_MEAN, CLIP_STD, Conversion, Fit, Preprocess, Transparency};
pub use crate::probe::{Format, Probe, probe};
pub use crate::rate::Rate;
pub use crate::resize::{Filter, PassOrder, resize_bicubic};
pub use crate::tiles::Tiling;
pub use crate::timeline::{Sampling, Timeline};
pub use crate::wanted::Wanted;
