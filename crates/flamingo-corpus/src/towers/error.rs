//! What keeps a tower's filters from being used.

use super::TowerFailure;

/// Why a tower's filters cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TowerError {
    /// The tower failed.
    #[error("the image tower failed: {0}")]
    Failed(TowerFailure),
    /// A filter asks for texts.
    #[error("`{section}` compares images with texts, and the tower takes no texts; {hint}")]
    NoTexts {
        /// The section of the configuration.
        section: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A folder of examples has no picture that can be read.
    #[error("{folder} has no picture that can be read, and `{section}` needs some")]
    NoExamples {
        /// The folder.
        folder: String,
        /// The section of the configuration.
        section: &'static str,
    },
    /// A folder of examples cannot be listed.
    #[error("{folder} cannot be listed for `{section}`: {source}")]
    Folder {
        /// The folder.
        folder: String,
        /// The section of the configuration.
        section: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The tower gave another number of vectors than asked for, or one of another length.
    #[error("the image tower gave {found} of {what} where {expected} were asked for")]
    Shape {
        /// Of what.
        what: &'static str,
        /// As many were asked for.
        expected: usize,
        /// As many came.
        found: usize,
    },
}
