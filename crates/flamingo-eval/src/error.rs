//! What can be wrong with an evaluation.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model cannot answer.
    #[error(transparent)]
    Engine(#[from] flamingo_engine::Error),
    /// A figure over nothing.
    #[error("queries is 0: give 1 or more, 500 for figures with a standard error of 2%")]
    NoQueries,
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
