//! A web page to its main content, with every image at its place.

mod attributes;
pub mod charset;
mod damaged;
mod data_urls;
pub mod document;
mod dom;
mod entities;
mod error;
pub mod evaluate;
mod extract;
mod node;
mod page;
mod tag;
mod tokens;
mod tree;

pub use attributes::{Attribute, Attributes};
pub use data_urls::{decode_data_url, is_data_url};
pub use dom::{Dom, NodeId, Nodes};
pub use error::{Error, Result};
pub(crate) use extract::image_urls;
pub use extract::{Context, Extraction, Robots, extract, extract_from, sure_language};
pub use page::{Image, Kind, Page, Part, Text, Video};
pub use tag::Tag;
pub use tree::Buffers;
