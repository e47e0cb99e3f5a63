//! How many images of the corpus have each text that the images of a unit have.

use std::collections::{HashMap, HashSet};

use crate::error::Result;
use crate::folder::{self, Folder, UnitTable};
use crate::tables::column::row;
use crate::tables::{PageRow, Rows, TextRow};

row! {
    /// What of a page says which texts its images have.
    PageTexts {
        /// The keys of the texts.
        texts: Vec<i64>,
    }
}

/// The texts of a unit that several images of the corpus have.
#[derive(Default)]
pub(super) struct Texts(HashMap<i64, u64>);

impl Texts {
    pub(super) fn of_unit(folder: &Folder, unit: u32) -> Result<Self> {
        let mut own = HashSet::new();
        for page in Rows::<PageTexts>::open(folder, &UnitTable::Pages.of(unit))? {
            own.extend(page?.texts);
        }
        let mut found = Self::default();
        for row in Rows::<TextRow>::open(folder, folder::TEXTS)? {
            let row = row?;
            if own.contains(&row.text) {
                found.0.insert(row.text, row.images.cast_unsigned());
            }
        }
        Ok(found)
    }

    /// The counts of a page's texts that several images have.
    pub(super) fn of(&self, row: &PageRow) -> HashMap<i64, u64> {
        let texts = row.texts.iter();
        texts
            .filter_map(|text| Some((*text, *self.0.get(text)?)))
            .collect()
    }
}
