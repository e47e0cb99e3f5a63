//! Samples as they are compared, from whatever wrote them.

use std::path::Path;

use super::lmms;
use crate::run::{Cell, Sample, read_cells, read_samples};
use crate::{Error, Result};

/// A sample as it is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Its query's name.
    pub id: String,
    /// What is scored of the answer.
    pub answer: String,
    /// Its score.
    pub score: Option<f64>,
}

/// Samples that are compared together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What they are: `4 shots, seed 0`, or a task of lmms-eval.
    pub name: String,
    /// The samples.
    pub samples: Vec<Compared>,
}

impl Group {
    /// The samples of a cell.
    pub fn of(cell: &Cell, samples: &[Sample]) -> Self {
        Self {
            name: cell.to_string(),
            samples: samples.iter().map(Compared::of).collect(),
        }
    }
}

impl Compared {
    fn of(sample: &Sample) -> Self {
        Self {
            id: sample.id.clone(),
            answer: match &sample.error {
                Some(error) => format!("[{error}]"),
                None => sample.answer.clone(),
            },
            score: sample.score,
        }
    }
}

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
