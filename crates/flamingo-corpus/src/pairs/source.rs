//! Where the text of a pair is from.

use serde::{Deserialize, Serialize};

/// Where the text of a pair is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairSource {
    /// The text that stands for it.
    Alt,
    /// The caption.
    Caption,
    /// The title of the page.
    Title,
    /// The paragraph beside it.
    Paragraph,
    /// A file of its own.
    File,
}
