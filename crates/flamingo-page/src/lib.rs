//! A web page to its main content, with every image at its place.

mod page;

pub use page::{Image, Kind, Page, Part, Text, Video};
