//! What can be wrong with a picture or a film.

use crate::bound::Bound;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a picture or a film could not be had. Every message names the file and the next step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file or folder is missing or cannot be read.
    #[error("cannot read {name}: {source}; check the path and its permissions")]
    Read {
        /// The path as it was given.
        name: String,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// The bytes are not in a format that this crate reads.
    #[error(
        "{name} is not a JPEG, PNG, WebP or GIF file ({found}); convert it to one of these formats"
    )]
    Format {
        /// The file.
        name: String,
        /// What the first bytes look like instead.
        found: String,
    },

    /// The file has the right format but is damaged, cut short or uses a rare variant.
    #[error("{name} is a broken or unsupported {format} file: {reason}; replace or re-export it")]
    Broken {
        /// The file.
        name: String,
        /// `JPEG`, `PNG`, `WebP` or `GIF`.
        format: &'static str,
        /// What the decoder said.
        reason: String,
    },

    /// The file is larger than the [`Limits`](crate::Limits) allow.
    #[error(
        "{name} has {found} {what}, the limit is {limit}; {}",
        what.hint()
    )]
    TooLarge {
        /// The file or folder.
        name: String,
        /// Which limit.
        what: Bound,
        /// The file's value.
        found: u64,
        /// The limit's value.
        limit: u64,
    },

    /// A folder of frames without a picture in it.
    #[error(
        "the folder {name} holds no .jpg, .jpeg, .png, .webp or .gif file; a film needs frames"
    )]
    NoFrames {
        /// The folder.
        name: String,
    },

    /// Seconds of a film that it does not have.
    #[error(
        "{name} ends at {seconds} s, before second {start}, where the part begins that is asked for; \
         look whether it is the right film"
    )]
    Behind {
        /// The film.
        name: String,
        /// Where the part begins, in seconds.
        start: f64,
        /// How long the film is, in seconds.
        seconds: f64,
    },

    /// A frame that is itself a film.
    #[error("{name} is animated, but a frame must be a still picture; give it alone, as a film")]
    AnimatedFrame {
        /// The frame's file.
        name: String,
    },

    /// Two frames of one film differ in size.
    #[error(
        "{name} is {width}x{height} but {first} is {first_width}x{first_height}; give all frames \
         of a film the same size"
    )]
    FrameSize {
        /// The frame that differs.
        name: String,
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// The film's first frame.
        first: String,
        /// The width of the first frame.
        first_width: u32,
        /// The height of the first frame.
        first_height: u32,
    },

    /// A rate that is no positive number.
    #[error(
        "`{given}` is no rate; give times a second as a number above 0, such as 3, 29.97 or 30000/1001"
    )]
    FrameRate {
        /// What was given.
        given: String,
    },

    /// Pixels that do not fill the picture's sides.
    #[error(
        "{bytes} bytes are no {width}x{height} RGB picture; give 3 * width * height bytes and \
         sides of at least 1"
    )]
    Shape {
        /// The width given.
        width: u32,
        /// The height given.
        height: u32,
        /// The number of bytes given.
        bytes: usize,
    },
}
