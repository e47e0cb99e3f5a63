//! The metrics through their public API: cases computed by others, and texts of any kind.
#![allow(clippy::print_stdout)]

mod cases;
mod texts;
