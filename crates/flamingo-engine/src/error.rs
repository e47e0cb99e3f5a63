//! What can be wrong with a request.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model cannot be loaded.
    #[error(transparent)]
    Weights(#[from] flamingo_weights::Error),
    /// A file could not be written.
    #[error(transparent)]
    Files(#[from] flamingo_files::Error),
    /// The prompt is none.
    #[error(transparent)]
    Document(#[from] flamingo_sequence::Error),
    /// A picture or film cannot be had.
    #[error("{0}")]
    Media(String),
    /// A prompt longer than the model has places for.
    #[error(
        "the prompt has {tokens} tokens and {new} may be added, the model has places for {most}: shorten it or ask for fewer new tokens"
    )]
    TooLong {
        /// Of the prompt.
        tokens: usize,
        /// That may be generated.
        new: usize,
        /// Places.
        most: usize,
    },
    /// A scoring request without candidates, or an empty candidate.
    #[error("{0}")]
    Candidates(String),
    /// One of several prompts cannot be answered.
    #[error("prompt {number}: {source}")]
    Prompt {
        /// Its number, from 1.
        number: usize,
        /// Why.
        source: Box<Error>,
    },
    /// An option outside its range.
    #[error(transparent)]
    Option(#[from] crate::decoding::OptionError),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
