//! What can be wrong with a search.

/// An option outside its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value}: give {wanted}")]
pub struct OptionError {
    /// The option.
    pub name: &'static str,
    /// What was given.
    pub value: String,
    /// What is possible.
    pub wanted: String,
}

impl OptionError {
    pub(crate) fn new(name: &'static str, value: impl ToString, wanted: impl Into<String>) -> Self {
        Self {
            name,
            value: value.to_string(),
            wanted: wanted.into(),
        }
    }
}

/// Why a search could not be carried out; `E` is the model's own error.
#[derive(Debug, thiserror::Error)]
pub enum SearchError<E> {
    /// An option that does not fit the vocabulary.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// Not one row of logits for each row asked for.
    #[error("{got} rows of logits for {wanted} rows of tokens: give one each")]
    Rows {
        /// Rows of tokens.
        wanted: usize,
        /// Rows of logits.
        got: usize,
    },
    /// Rows of logits of different lengths.
    #[error("a row of {got} logits where the vocabulary has {wanted}: give one logit for each id")]
    Vocabulary {
        /// Length of the first row.
        wanted: usize,
        /// Length of this row.
        got: usize,
    },
    /// The model failed.
    #[error("the model: {0}")]
    Model(E),
}
