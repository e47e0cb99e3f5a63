//! The data card: what a corpus holds and how it was sifted, for people (HTML) and programs (JSON).
//!
//! The page stands by itself: no scripts, and nothing that is loaded from elsewhere.

mod charts;
mod html;
mod samples;

use std::io::Write as _;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::folder::{self, Folder};
use crate::manifest::{StepCount, steps};
use crate::summary::Summary;

pub use samples::{ShownPart, ShownSample};

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

    /// Writes `card.html` and `card.json`.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn write(&self, folder: &Folder) -> Result<()> {
        let mut page = folder.create(folder::CARD)?;
        page.write_all(self.html().as_bytes())
            .map_err(Error::file(folder.path(folder::CARD)))?;
        page.commit()?;
        folder.write_json(folder::CARD_JSON, self)
    }

    /// The page.
    pub fn html(&self) -> String {
        html::page(self)
    }
}
