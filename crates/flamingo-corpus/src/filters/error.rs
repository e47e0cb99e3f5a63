//! What keeps filters from being used.

/// Why filters cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// A file that the configuration names cannot be read.
    #[error("the {what} {path} cannot be read: {source}; check `[filters]`")]
    Read {
        /// What the file is for.
        what: &'static str,
        /// Where it should be.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing to train a quality model on.
    #[error("a quality model needs both sides, and there are {good} good and {bad} bad documents")]
    NoExamples {
        /// Good documents.
        good: usize,
        /// Bad documents.
        bad: usize,
    },
    /// The quality model is none.
    #[error("{path} is no quality model: {source}; train one from good and bad documents")]
    Model {
        /// The file.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
}
