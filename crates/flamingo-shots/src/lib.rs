//! Sets of shots, and which of them stand before a prompt.
//!
//! A [`ShotSet`] is read from a folder or a file ([`samples`] says what may be one). [`VectorIndex::nearest`] takes those
//! whose picture is most like the prompt's, by the vectors that the model's own encoder makes of them, kept on disk, the
//! most similar last (RICES; paper, 3.2 and appendix A.2); [`choose_random`] draws some. The search itself
//! ([`nearest`], over [`Vectors`]) is that of evaluations, too.

mod choose;
mod index;
mod nearest;
mod samples;
mod set;
mod vector_file;
mod vectors;

pub use choose::choose_random;
pub use index::{Making, VectorIndex, encoder_probe, own_vector};
pub use nearest::nearest;
pub use samples::samples;
pub use set::{ShotMedia, ShotSet, ShotsError};
pub use vector_file::VectorFile;
pub use vectors::Vectors;
