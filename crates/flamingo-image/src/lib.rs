//! Pictures and films: decode, resize, normalise, sample frames.
//!
//! Bytes or a path become a [`Media`] ([`decode`], [`load`]) under [`Limits`] that refuse
//! decompression bombs before they are decoded; [`Preprocess`] turns a picture into the numbers a
//! vision encoder takes; [`sample_frames`] thins a film to the frames a model is shown.
//!
//! Every picture is converted to 8-bit RGB as it is read, as Pillow's `convert("RGB")` does:
//! transparency is dropped without blending, greyscale is repeated, 16 bits keep their high byte
//! (where Pillow clips 16-bit greyscale to white), colour profiles are not applied. Resizing comes
//! *after* that, as in the training of the open Flamingo models. `open_clip`'s evaluation resizes
//! first, which gives other pixels for palette pictures (Pillow takes the nearest pixel there) and
//! for pictures with transparency; greyscale and RGB are the same both ways.

#![warn(missing_docs)]

mod bound;
mod decode;
mod error;
mod film;
mod jpeg;
mod limits;
mod load;
mod luma;
mod picture;
mod preprocess;
mod probe;
mod resize;

pub use crate::bound::Bound;
pub use crate::decode::{Media, Still, decode, decode_still};
pub use crate::error::{Error, Result};
pub use crate::film::{Film, sample_frames};
pub use crate::limits::Limits;
pub use crate::load::{load, load_frames};
pub use crate::luma::{Luma, decode_luma};
pub use crate::picture::Image;
pub use crate::preprocess::{CLIP_MEAN, CLIP_STD, Fit, Preprocess};
pub use crate::probe::{Format, Probe, probe};
pub use crate::resize::resize_bicubic;
