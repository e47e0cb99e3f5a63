//! The samples of a run, a file of ours or of lmms-eval, in groups.

use std::path::Path;

use super::compared::{Compared, Group};
use super::lmms;
use crate::run::{read_cells, read_samples};
use crate::{Error, Result};

/// The groups of a run's folder, of a samples file of ours, or of one of lmms-eval.
///
/// # Errors
/// If it cannot be read.
pub fn read_groups(path: &Path, metric: Option<&str>) -> Result<Vec<Group>> {
    if path.is_dir() {
        let cells = read_cells(path)?;
        let groups: Vec<Group> = cells
            .iter()
            .map(|(cell, samples)| Group::of(cell, samples))
            .collect();
        return match groups.is_empty() {
            true => Err(Error::Folder(format!(
                "{} holds no samples: its run is not finished",
                path.display()
            ))),
            false => Ok(groups),
        };
    }
    if let Some(task) = lmms::task_of(path) {
        return Ok(vec![lmms::read(path, &task, metric)?]);
    }
    let samples = read_samples(path)?;
    let mut groups: Vec<Group> = Vec::new();
    for sample in &samples {
        let name = sample.cell.to_string();
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.samples.push(Compared::of(sample)),
            None => groups.push(Group {
                name,
                samples: vec![Compared::of(sample)],
            }),
        }
    }
    Ok(groups)
}
