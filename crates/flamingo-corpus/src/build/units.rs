//! The units of a build: listed once, so that inputs which come later do not move them.

use flamingo_crawl::{Unit, list_units};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::folder::{self, Folder};

/// The units of a build, in the inputs' order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units(Vec<Unit>);

impl Units {
    /// The units of a folder; listed and stored if they are not there yet.
    ///
    /// # Errors
    ///
    /// When an input cannot be found, or the folder cannot be read or written.
    pub fn of(config: &Config, folder: &Folder) -> Result<Self> {
        if folder.has(folder::UNITS) {
            return Self::stored(folder);
        }
        let input = &config.input;
        let options = config.read_options();
        let units = list_units(&input.paths, input.base_url.as_deref(), &options)?;
        if units.is_empty() {
            let paths = input.paths.join(", ");
            let message = format!("[input] paths holds nothing to read: {paths}");
            return Err(Error::Config(message));
        }
        folder.write_json(folder::UNITS, &units)?;
        Ok(Self(units))
    }

    /// The units that a folder has stored.
    ///
    /// # Errors
    ///
    /// When it has none: it is no folder of a corpus, or its build has not begun.
    pub fn stored(folder: &Folder) -> Result<Self> {
        Ok(Self(folder.read_json(folder::UNITS)?))
    }

    /// How many there are.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The unit of this number.
    pub fn get(&self, unit: u32) -> &Unit {
        &self.0[unit as usize]
    }

    /// How many bytes its file has, where it lies on this machine.
    pub fn bytes(&self, unit: u32) -> Option<u64> {
        let file = match self.get(unit) {
            Unit::Warc { file } | Unit::Lines { file, .. } => file,
            Unit::Member { length, .. } => return Some(*length),
            _ => return None,
        };
        std::fs::metadata(file).ok().map(|metadata| metadata.len())
    }
}
