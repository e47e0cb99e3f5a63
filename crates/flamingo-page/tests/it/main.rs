//! The crate seen from outside.

mod html5ever;
mod parser;
