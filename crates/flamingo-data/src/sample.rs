//! A document with the place of its media.

use flamingo_sequence::Document;

use crate::MediaBase;

/// One document, and where its media names start.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What it says and shows.
    pub document: Document,
    /// Where relative names start.
    pub base: MediaBase,
}
