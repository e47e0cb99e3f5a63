//! A picture or film of a prompt that was looked at, and so is known by its content.

use flamingo_image::Image;
use sha2::{Digest, Sha256};

/// The content of a medium, and its place in the document for the few models that look at it.
pub(crate) type Hash = [u8; 32];

/// A medium that is known by its content.
pub(crate) struct Looked {
    pub(crate) hash: Hash,
    pub(crate) reference: String,
    /// What the model sees of it; none if that is not wanted, or to be loaded when it is.
    pub(crate) frames: Option<Vec<Image>>,
    pub(crate) place: usize,
}

impl Looked {
    /// Without its frames, which are loaded again if they are wanted.
    pub(crate) fn unloaded(self) -> Self {
        Self {
            frames: None,
            ..self
        }
    }
}

/// The content of frames, number `place` in their document.
pub(crate) fn hash(frames: &[Image], place: usize) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(place.to_le_bytes());
    for frame in frames {
        frame.identity(|piece| hasher.update(piece));
    }
    hasher.finalize().into()
}
