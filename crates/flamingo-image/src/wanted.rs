//! What of a film is wanted.

use crate::film::Film;
use crate::picture::Image;
use crate::preprocess::Preprocess;
use crate::timeline::Sampling;

/// What a reader keeps of a film, so that it need not hold more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Which frames; all without it.
    pub sampling: Option<Sampling>,
    /// The encoder that will see them: frames are kept in its size, from which it gets the same
    /// numbers ([`Preprocess::shrunk`]). In their own size without it.
    pub preprocess: Option<Preprocess>,
}

impl Wanted {
    /// These frames, for this encoder.
    pub fn of(sampling: Sampling, preprocess: &Preprocess) -> Self {
        Self {
            sampling: Some(sampling),
            preprocess: Some(preprocess.clone()),
        }
    }

    /// A frame in the size that is wanted.
    pub fn frame(&self, frame: Image) -> Image {
        match &self.preprocess {
            Some(preprocess) => preprocess.shrunk(&frame),
            None => frame,
        }
    }

    /// The frames of a film that are wanted, in the size that they have.
    pub fn frames(&self, film: Film) -> Film {
        match self.sampling {
            Some(sampling) => film.sampled(sampling),
            None => film,
        }
    }
}
