//! In place of `metadata_table` in a program without Parquet: who asks for it is told how to get it.

use std::path::Path;

use serde_json::Value;

use crate::{Result, Table};

pub(crate) fn rows(path: &Path, _take: impl FnMut(usize, Value)) -> Result<()> {
    Table::open(path).map(|table| match table {})
}
