//! What a run asks: cells of the table, and units of work in which they are answered.

use std::fmt;

use flamingo_tasks::counted;
use serde::{Deserialize, Serialize};

use super::ablation::Ablation;
use crate::{Error, Result};

/// Queries of a unit: what a kill loses at most, and what one file of a run in progress holds.
pub(super) const UNIT: usize = 8;

/// What is asked of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunOptions {
    /// Numbers of shots.
    pub shots: Vec<usize>,
    /// Seeds: each draws other shots.
    pub seeds: Vec<u64>,
    /// What is taken from prompts, beside the run in which nothing is.
    pub ablations: Vec<Ablation>,
    /// Whether close-ended answers are averaged over up to six orders of the shots.
    pub ensemble: bool,
}

impl Default for RunOptions {
    /// The paper's: 0, 4, 8, 16 and 32 shots, once.
    fn default() -> Self {
        Self {
            shots: vec![0, 4, 8, 16, 32],
            seeds: vec![0],
            ablations: Vec::new(),
            ensemble: false,
        }
    }
}

/// A cell of the table: what its samples have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// What is taken from the prompts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ablation: Option<Ablation>,
    /// Which shots are drawn.
    pub seed: u64,
    /// How many shots.
    pub shots: usize,
}

impl Cell {
    /// The name of the file of its samples.
    pub fn file_name(&self) -> String {
        let ablation = self.ablation.map(|ablation| format!("-{ablation}"));
        format!(
            "{:02}-shots-seed-{}{}.jsonl",
            self.shots,
            self.seed,
            ablation.unwrap_or_default()
        )
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, seed {}", counted(self.shots, "shot"), self.seed)?;
        match self.ablation {
            Some(ablation) => write!(f, ", {ablation}"),
            None => Ok(()),
        }
    }
}

/// Some queries, each with the cells of one ablation and seed: prompts that begin alike follow one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) cells: Vec<Cell>,
    pub(super) queries: std::ops::Range<usize>,
}

impl Unit {
    /// Its samples in order: the query's number, and the cell.
    pub(super) fn samples(&self) -> impl Iterator<Item = (usize, Cell)> + '_ {
        let of_query = |query| self.cells.iter().map(move |cell| (query, *cell));
        self.queries.clone().flat_map(of_query)
    }

    pub(super) fn len(&self) -> usize {
        self.queries.len() * self.cells.len()
    }
}

/// The units of a run, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) units: Vec<Unit>,
    pub(super) cells: Vec<Cell>,
}

impl Plan {
    /// The plan for so many queries; `text_only` shots make up a prompt of none.
    pub(super) fn new(options: &RunOptions, queries: usize, text_only: usize) -> Self {
        let (mut units, mut cells) = (Vec::new(), Vec::new());
        let ablations = options.ablations.iter().copied().map(Some);
        for ablation in std::iter::once(None).chain(ablations) {
            for (nth, &seed) in options.seeds.iter().enumerate() {
                let differs = |shots: usize| match shots {
                    0 => {
                        let is_drawn = nth == 0 || text_only > 0;
                        is_drawn && ablation.is_none_or(Ablation::changes_the_query)
                    }
                    _ => true,
                };
                let shots = options
                    .shots
                    .iter()
                    .copied()
                    .filter(|&shots| differs(shots));
                let own: Vec<Cell> = shots
                    .map(|shots| Cell {
                        ablation,
                        seed,
                        shots,
                    })
                    .collect();
                if own.is_empty() {
                    continue;
                }
                for start in (0..queries).step_by(UNIT) {
                    units.push(Unit {
                        cells: own.clone(),
                        queries: start..queries.min(start + UNIT),
                    });
                }
                cells.extend(own);
            }
        }
        Self { units, cells }
    }

    pub(super) fn samples(&self) -> usize {
        self.units.iter().map(Unit::len).sum()
    }
}

impl RunOptions {
    /// The options in order and without repetitions.
    ///
    /// # Errors
    /// If something is asked for that the task does not have.
    pub(super) fn checked(&self, supports: usize, queries: usize, is_closed: bool) -> Result<Self> {
        let mut options = self.clone();
        options.shots.sort_unstable();
        options.shots.dedup();
        options.ablations.sort_unstable();
        options.ablations.dedup();
        let mut seen = std::collections::BTreeSet::new();
        options.seeds.retain(|seed| seen.insert(*seed));
        let refuse = |message: String| Err(Error::Options(message));
        if queries == 0 {
            return refuse("the task has no queries: there is nothing to ask".to_owned());
        }
        let most = options.shots.last().copied().unwrap_or(0);
        if options.shots.is_empty() || options.seeds.is_empty() {
            return refuse("no number of shots or no seed is given: give one or more".to_owned());
        }
        if most > supports {
            return refuse(format!(
                "{} asked for, the task has {}: ask for fewer shots",
                match most {
                    1 => "1 shot is".to_owned(),
                    most => format!("{most} shots are"),
                },
                counted(supports, "support")
            ));
        }
        if options.ensemble && !is_closed {
            return refuse(
                "the orders of the shots are averaged over where candidates are scored, and the answers of this task \
                 are open-ended: leave --ensemble out"
                    .to_owned(),
            );
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_query_is_asked_once_in_every_cell_and_those_of_a_query_follow_one_another() {
        let options = RunOptions {
            shots: vec![0, 4, 8],
            seeds: vec![5, 3],
            ablations: vec![Ablation::Blank, Ablation::ShuffleLabels],
            ..RunOptions::default()
        };
        let plan = Plan::new(&options, 19, 0);
        let mut all: Vec<(usize, Cell)> = plan.units.iter().flat_map(Unit::samples).collect();
        assert_eq!(all.len(), plan.samples());
        // 0 shots: of the first seed only, and not where an ablation changes nothing of it.
        assert_eq!(plan.cells.len(), (3 + 2) + (3 + 2) + (2 + 2));
        assert_eq!(
            all[..3].iter().map(|(query, _)| *query).collect::<Vec<_>>(),
            [0; 3]
        );
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 14 * 19);
        assert_eq!(Plan::new(&options, 19, 2).cells.len(), 6 + 6 + 4);
    }

    #[test]
    fn what_a_task_does_not_have_is_refused() {
        let told = |options: RunOptions| options.checked(7, 3, false).unwrap_err().to_string();
        let of = |shots: Vec<usize>| RunOptions {
            shots,
            ..RunOptions::default()
        };
        assert!(told(of(vec![8])).contains("8 shots are asked for, the task has 7 supports"));
        assert!(told(of(vec![])).contains("no number of shots"));
        let ensemble = RunOptions {
            ensemble: true,
            ..of(vec![4])
        };
        assert!(told(ensemble).contains("open-ended"));
        let options = of(vec![4, 0, 4]).checked(7, 3, false).unwrap();
        assert_eq!(options.shots, [0, 4]);
    }
}
