//! What a data card says.

use serde::{Deserialize, Serialize};

use super::samples::{self, ShownSample};
use crate::config::Config;
use crate::error::Result;
use crate::folder::Folder;
use crate::manifest::{StepCount, steps};
use crate::summary::Summary;

/// A data card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The name of the corpus: that of its folder.
    pub name: String,
    /// The version of the program.
    pub program: String,
    /// What each step kept and dropped, in order.
    pub steps: Vec<StepCount>,
    /// All other numbers.
    pub summary: Summary,
    /// Some documents.
    pub samples: Vec<ShownSample>,
    /// The configuration, as TOML.
    pub config: String,
}

impl Card {
    /// The card of a corpus. Samples lack the pictures that are no longer where they were read.
    ///
    /// # Errors
    ///
    /// When a table of the folder cannot be read.
    pub fn of(config: &Config, folder: &Folder, summary: Summary) -> Result<Self> {
        let name = folder.root().file_name().unwrap_or_default();
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            steps: steps(&summary),
            samples: samples::read(config, folder, &summary)?,
            summary,
            config: config.to_toml(),
        })
    }
}
