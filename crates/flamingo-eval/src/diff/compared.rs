//! Samples as they are compared, from whatever wrote them.

use crate::run::{Cell, Sample};

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
    pub(super) fn of(sample: &Sample) -> Self {
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
