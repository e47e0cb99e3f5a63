//! Sets of shots, and which of them stand before a prompt.
//!
//! A [`ShotSet`] is read from a folder or a file. [`choose_nearest`] takes those whose picture is most like the
//! prompt's, by the vectors that the model's own encoder makes of them ([`VectorIndex`], kept on disk), the most
//! similar last (RICES; paper, 3.2 and appendix A.2); [`choose_random`] draws some.

mod choose;
mod index;
mod set;

pub use choose::{choose_nearest, choose_random, most_similar_last};
pub use index::{VectorIndex, own_vector, vector_of};
pub use set::{ShotMedia, ShotSet, ShotsError};
