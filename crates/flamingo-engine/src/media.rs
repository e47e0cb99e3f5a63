//! Where the pictures of a prompt come from.

use std::collections::HashMap;

use flamingo_image::Media;

use crate::{Error, Result};

/// Finds the medium that a part of a document names.
pub trait MediaSource {
    /// The picture or film called `reference`.
    ///
    /// # Errors
    /// If there is none, or it cannot be decoded; the message names it and the next step.
    fn media(&self, reference: &str) -> Result<Media>;
}

impl MediaSource for HashMap<String, Media> {
    fn media(&self, reference: &str) -> Result<Media> {
        self.get(reference)
            .cloned()
            .ok_or_else(|| Error::Media(format!("there is no picture called `{reference}`")))
    }
}
