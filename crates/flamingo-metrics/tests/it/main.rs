//! The metrics through their public API: cases computed by others, and texts of any kind.

mod cases;
mod texts;
