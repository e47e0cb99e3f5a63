//! FFmpeg as a process: what it is asked, and what it answers.

mod frames;
mod listing;
mod process;
mod tool;

pub(crate) use frames::Frames;
pub(crate) use listing::Listing;
pub use tool::Ffmpeg;
pub(crate) use tool::Input;
