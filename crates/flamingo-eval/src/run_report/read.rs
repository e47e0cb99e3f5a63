//! A run read back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::run::{Cell, Results, Sample, read_cells, read_results};
use crate::{Error, Result};

/// A finished run, as it is read from its folder.
#[derive(Clone, Debug)]
pub struct RunRead {
    /// Its folder.
    pub place: PathBuf,
    /// What came of it.
    pub results: Results,
    /// Its samples.
    pub cells: BTreeMap<Cell, Vec<Sample>>,
}

impl RunRead {
    /// Reads a run's folder.
    ///
    /// # Errors
    /// If there is no finished run in it.
    pub fn read(place: &Path) -> Result<Self> {
        let Some(results) = read_results(place)? else {
            return Err(Error::Folder(format!(
                "{} holds no finished run: give the command that made it again",
                place.display()
            )));
        };
        Ok(Self {
            place: place.to_path_buf(),
            results,
            cells: read_cells(place)?,
        })
    }

    /// What a page calls it among others.
    pub(crate) fn name(&self) -> String {
        let name = self
            .place
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| self.place.display().to_string())
    }
}
