//! Where the pictures of a prompt come from.

use std::collections::HashMap;

use flamingo_image::{Media, Wanted};

use crate::{Error, Result};

/// Finds the medium that a part of a document names.
pub trait MediaSource {
    /// The picture or film called `reference`. Of a film, a source need not keep more than is wanted;
    /// the engine takes what it shows of the rest.
    ///
    /// # Errors
    /// If there is none, or it cannot be decoded; the message names it and the next step.
    fn media(&self, reference: &str, wanted: &Wanted) -> Result<Media>;

    /// Something that changes whenever the medium does (a path with its time of change, a revision),
    /// if that is cheaper to tell than the medium is to load: an engine that has seen it before then
    /// need not load it. None if there is no such thing.
    fn version(&self, reference: &str) -> Option<String> {
        let _ = reference;
        None
    }
}

impl MediaSource for HashMap<String, Media> {
    fn media(&self, reference: &str, _: &Wanted) -> Result<Media> {
        self.get(reference)
            .cloned()
            .ok_or_else(|| Error::Media(format!("there is no picture called `{reference}`")))
    }
}
