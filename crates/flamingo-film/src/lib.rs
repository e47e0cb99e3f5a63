//! Films of every container and codec: the frames a model is shown, and no more.
//!
//! A [`Reader`] opens pictures, animations, folders of frames and film files. Of a film file it finds
//! out when each frame is shown, chooses those that are wanted by time alone
//! ([`flamingo_image::Timeline`]) and decodes up to the last of them, so that what lies in memory is
//! one frame and the shrunk ones.
//!
//! Film files are decoded by FFmpeg, which runs as a process where the program says where it is
//! ([`Ffmpeg`]): one process for a film, or one for each stretch of a long one, from which raw frames
//! come through a pipe. The process is told the container and may open that file alone; it is ended
//! when the reader is dropped, asked to stop or gets nothing for too long.

#![warn(missing_docs)]

mod container;
mod ends;
mod error;
mod ffmpeg;
mod index;
mod matroska;
mod movie;
mod mp4;
mod plan;
mod reader;

pub use crate::container::Container;
pub use crate::error::{Error, Result};
pub use crate::ffmpeg::Ffmpeg;
pub use crate::matroska::read_matroska;
pub use crate::movie::Movie;
pub use crate::mp4::read_mp4;
pub use crate::reader::Reader;
