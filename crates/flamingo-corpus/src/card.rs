//! The data card: what a corpus holds and how it was sifted, for people (HTML) and programs (JSON).
//!
//! The page stands by itself: no scripts, and nothing that is loaded from elsewhere.

mod charts;
mod contents;
mod format;
mod html;
mod samples;

use std::io::Write as _;

use crate::error::{Error, Result};
use crate::folder::{self, Folder};

pub use contents::Card;
pub use samples::{ShownPart, ShownSample};

impl Card {
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
