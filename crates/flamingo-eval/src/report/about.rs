//! What ran.

use crate::DemoOptions;

/// What the page says about the model and the run.
#[derive(Clone, Debug)]
pub struct About {
    /// The model's name or directory.
    pub model: String,
    /// Its parameters.
    pub parameters: u64,
    /// The program's version.
    pub version: String,
    /// The machine that it ran on.
    pub device: String,
    /// What was asked.
    pub options: DemoOptions,
}
