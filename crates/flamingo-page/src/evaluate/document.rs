//! What was extracted.

use serde::{Deserialize, Serialize};

use crate::Page;

/// An extracted page, as a line of the extraction's output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The name of its file, for pages that were read from a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The page.
    #[serde(flatten)]
    pub page: Page,
}
