//! Pictures of pages: what their bytes are, which are taken, and how they are written.
//!
//! [`inspect`] measures a file once; [`Rules`] decide later from the stored numbers, so that
//! thresholds can change without decoding again.

mod config;
mod encoding;
mod evaluation;
mod inspect;
mod perceptual;
mod pictures;
mod reason;
mod reencode;
mod rules;
mod size;
#[cfg(test)]
mod testing;
mod words;

pub use config::{Animated, ImagesConfig, Preset};
pub use encoding::{Encoding, Reencode};
pub use evaluation::{EvaluationConfig, EvaluationIndex, Match};
pub use inspect::{Inspected, inspect};
pub use perceptual::{distance, perceptual_hash};
pub use pictures::{PassedOver, each_batch as each_picture_batch};
pub use reason::Reason;
pub use reencode::{Written, reencode};
pub use rules::{Candidate, Count, Rules};
pub use words::UrlWords;
