//! What can be wrong with an evaluation.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model cannot answer.
    #[error(transparent)]
    Engine(#[from] flamingo_engine::Error),
    /// The photos cannot be read.
    #[error(transparent)]
    Data(#[from] flamingo_data::Error),
    /// Too little to ask about.
    #[error(
        "there are {found} {what}, an episode needs up to {most}: give a folder with more, or another model"
    )]
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many an episode needs.
        most: usize,
    },
    /// Nothing to tell apart.
    #[error(
        "{} has shots of {found} class{}, at least 2 are needed: give a folder with a folder for each, or \
         captions.jsonl with a picture and a name a line",
        place.display(),
        if *found == 1 { "" } else { "es" }
    )]
    FewClasses {
        /// The folder or file.
        place: PathBuf,
        /// How many classes it has.
        found: usize,
    },
    /// No shot of a class can be read.
    #[error(
        "no picture of the class `{0}` can be read: see the warnings above, or leave the class out"
    )]
    NoShots(String),
    /// A figure over nothing.
    #[error("queries is 0: give 1 or more, 500 for figures with a standard error of 2%")]
    NoQueries,
    /// Something is asked for that is not to be had.
    #[error("{0}")]
    Options(String),
    /// The folder of a run cannot be used.
    #[error("{0}")]
    Folder(String),
    /// A file could not be written.
    #[error(transparent)]
    Files(#[from] flamingo_files::Error),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
