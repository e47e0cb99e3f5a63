//! Films of many kinds, made by FFmpeg where it is installed: which of their frames are read.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod faults;
mod films;
mod indices;
mod numbered;
