//! What can go wrong outside the files' contents.

/// An input that cannot be read at all; what is inside one is never an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder that cannot be listed, opened or read.
    #[error("cannot read {name}: {source}")]
    Io {
        /// The file or folder.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that cannot be written.
    #[error("cannot write {name}: {source}")]
    Write {
        /// The file.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// An output that cannot be written.
    #[error(transparent)]
    Output(#[from] flamingo_files::Error),
    /// A store that cannot be reached, or has no such object.
    #[error("cannot read {name}: {source}")]
    Store {
        /// The object or prefix.
        name: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// A kind of URL that this program was built without.
    #[error(
        "{url} needs support for {scheme} URLs: build with `--features stores` (of this crate: `{feature}`)"
    )]
    Unsupported {
        /// The input.
        url: String,
        /// The part before `://`.
        scheme: String,
        /// The cargo feature of this crate that brings it.
        feature: &'static str,
    },
    /// An input of a kind that nothing here reads.
    #[error("{name} is {what}: give {expected}")]
    Input {
        /// The input.
        name: String,
        /// What was found.
        what: String,
        /// What could be read.
        expected: &'static str,
    },
}

/// A result whose error is this crate's.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(name: impl ToString) -> impl FnOnce(std::io::Error) -> Self {
        let name = name.to_string();
        move |source| Self::Io { name, source }
    }

    pub(crate) fn write(name: impl ToString) -> impl FnOnce(std::io::Error) -> Self {
        let name = name.to_string();
        move |source| Self::Write { name, source }
    }
}
