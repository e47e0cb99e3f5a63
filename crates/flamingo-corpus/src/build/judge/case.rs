//! What is decided about.

use std::collections::HashMap;

use crate::tables::{DuplicateRow, PageRow, PlacedImageRow};

/// A page with what the join found for it.
pub(in crate::build) struct Case {
    pub(in crate::build) row: PageRow,
    pub(in crate::build) duplicate: Option<DuplicateRow>,
    pub(in crate::build) images: Vec<PlacedImageRow>,
    /// Which of its texts repeat in its domain, counted from 0.
    pub(in crate::build) repeated: Vec<usize>,
    /// How many images have each of the texts of its images, where pairs are made.
    pub(in crate::build) texts: HashMap<i64, u64>,
}
