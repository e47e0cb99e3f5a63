//! What can go wrong between a document and its integers.

/// The result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong between a document and its integers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file's line is no valid document.
    #[error("{place}: {message}")]
    Json {
        /// `name:line`.
        place: String,
        /// What is wrong there: an unknown key is named with the keys that are allowed.
        message: String,
    },
    /// A file of documents could not be read to its end.
    #[error("{place}: cannot be read: {source}")]
    Read {
        /// `name:line`, the line at which reading stopped.
        place: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A document without parts, or whose parts are no tokens at all.
    #[error("the prompt is empty: give at least one part")]
    Empty,
    /// A part is not one of the four forms, or holds nothing.
    #[error("part {part} of {parts}: {problem}")]
    Part {
        /// Which part, counted from 1.
        part: usize,
        /// How many there are.
        parts: usize,
        /// What is wrong with it, and what it should be.
        problem: String,
    },
    /// The candidates of a question to score are missing or blank.
    #[error("{0}")]
    Candidates(String),
    /// More images and films than the caller allows.
    #[error(
        "the prompt has {found} images and films, the limit is {limit}: leave some out or raise the limit"
    )]
    TooManyMedia {
        /// Images and films in the document.
        found: usize,
        /// The most allowed.
        limit: usize,
    },
    /// The tokenizer's file is missing or not a `tokenizer.json`.
    #[error("{name}: not a tokenizer that can be read: {message}")]
    Tokenizer {
        /// The file, or the name given with the bytes.
        name: String,
        /// The tokenizer library's reason.
        message: String,
    },
    /// A special token that the model names is not in the vocabulary.
    #[error(
        "{name}: the vocabulary has no token {token:?}, which the model names as its `{role}`: add it to the tokenizer or name another"
    )]
    MissingToken {
        /// The tokenizer's file.
        name: String,
        /// The key in the token names: `bos`, `eos`, `pad`, `image` or `end_of_chunk`.
        role: &'static str,
        /// The token's text.
        token: String,
    },
    /// Two roles that must differ share one token.
    #[error("the token {token:?} is both `{first}` and `{second}`: give them different tokens")]
    SharedToken {
        /// The token's text.
        token: String,
        /// One role.
        first: &'static str,
        /// The other role.
        second: &'static str,
    },
    /// The tokenizer refuses a text.
    #[error("the text {text:?} cannot be encoded: {message}")]
    Encode {
        /// The beginning of the text.
        text: String,
        /// The reason.
        message: String,
    },
    /// The tokenizer refuses ids.
    #[error("{count} tokens cannot be decoded: {message}")]
    Decode {
        /// How many ids were given.
        count: usize,
        /// The tokenizer library's reason.
        message: String,
    },
}
