//! In place of `obelics` in a program without Parquet: who asks for it is told how to get it.

use std::path::Path;

use crate::{Report, Result, Sample, Table};

pub(crate) fn read(path: &Path, _report: &mut Report, _samples: &mut Vec<Sample>) -> Result<()> {
    Table::open(path).map(|table| match table {})
}

pub(crate) fn read_group(
    path: &Path,
    _group: usize,
    _first: usize,
    _report: &mut Report,
    _samples: &mut Vec<Sample>,
) -> Result<()> {
    Table::open(path).map(|table| match table {})
}

pub(crate) fn groups(path: &Path) -> Result<Vec<usize>> {
    Table::open(path).map(|table| match table {})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::{Format, Source};

    #[test]
    fn a_parquet_file_is_refused_with_the_feature_to_add() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        std::fs::write(&path, b"PAR1").unwrap();
        let message = Source::read(Format::Parquet, &path)
            .unwrap_err()
            .to_string();
        assert!(message.contains("a.parquet"), "{message}");
        assert!(message.contains("--features parquet"), "{message}");
    }
}
