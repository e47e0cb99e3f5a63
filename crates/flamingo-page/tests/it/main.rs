//! The crate seen from outside.
#![allow(clippy::unwrap_used)]

mod extraction;
mod extraction_properties;
mod gold;
mod html5ever;
mod languages;
mod leads;
mod media;
mod parser;
mod sections;
mod shown;
mod writing;
