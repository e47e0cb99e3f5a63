//! Why a directory gives no tokenizer.

/// The result of this crate.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a directory gives no tokenizer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is missing, cannot be read or does not hold what its name says.
    #[error("{name}: not a tokenizer that can be read: {message}")]
    Tokenizer {
        /// The file or the directory.
        name: String,
        /// What is wrong, and what to do.
        message: String,
    },
    /// The files name an id for a token that it cannot have.
    #[error(
        "{name}: the token {token:?} should have the id {wanted} but gets {found}: make the ids of the added tokens follow the vocabulary without holes"
    )]
    TokenId {
        /// The file or the directory.
        name: String,
        /// The token's text.
        token: String,
        /// The id that the files name.
        wanted: u32,
        /// The id that it would get, or who has the wanted one.
        found: String,
    },
    /// A kind of tokenizer that this crate does not read.
    #[error("{name}: {found} is not supported: {next}")]
    Unsupported {
        /// The file or the directory.
        name: String,
        /// What was found.
        found: String,
        /// What to do instead.
        next: &'static str,
    },
}

impl Error {
    /// [`Error::Tokenizer`] with anything that can be shown.
    pub(crate) fn tokenizer(name: impl ToString, message: impl ToString) -> Self {
        Self::Tokenizer {
            name: name.to_string(),
            message: message.to_string(),
        }
    }
}
