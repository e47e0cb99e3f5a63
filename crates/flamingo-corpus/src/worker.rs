//! Which part of the work a process does, and how it learns that from the launcher that started it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Variables of launchers: where the index is, what it counts from, and where the number of workers is.
const LAUNCHERS: [Launcher; 4] = [
    Launcher {
        index: "SLURM_ARRAY_TASK_ID",
        first: Some("SLURM_ARRAY_TASK_MIN"),
        count: "SLURM_ARRAY_TASK_COUNT",
    },
    Launcher {
        index: "JOB_COMPLETION_INDEX",
        first: None,
        count: "JOB_COMPLETIONS",
    },
    Launcher {
        index: "RANK",
        first: None,
        count: "WORLD_SIZE",
    },
    Launcher {
        index: "SLURM_PROCID",
        first: None,
        count: "SLURM_NTASKS",
    },
];

struct Launcher {
    index: &'static str,
    first: Option<&'static str>,
    count: &'static str,
}

/// Worker `index` of `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Which one, from 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

impl Default for Worker {
    /// The only one.
    fn default() -> Self {
        Self { index: 0, count: 1 }
    }
}

impl Worker {
    /// Worker `index` of `count`.
    ///
    /// # Errors
    ///
    /// When there is no such worker.
    pub fn new(index: u32, count: u32) -> Result<Self> {
        if index >= count {
            let message =
                format!("there is no worker {index} of {count}: workers are numbered from 0");
            return Err(Error::Config(message));
        }
        Ok(Self { index, count })
    }

    /// The worker that the environment's variables tell of: SLURM arrays and tasks, Kubernetes indexed jobs (whose
    /// number of completions the job must repeat in `JOB_COMPLETIONS`), torchrun. The only one where none is set.
    ///
    /// An array's tasks must be numbered without gaps.
    ///
    /// # Errors
    ///
    /// When a variable is no number, one of a pair is missing, or there is no such worker.
    pub fn from_environment(variables: &BTreeMap<String, String>) -> Result<Self> {
        let launcher = LAUNCHERS
            .iter()
            .find(|launcher| variables.contains_key(launcher.index));
        let Some(launcher) = launcher else {
            return Ok(Self::default());
        };
        let first = launcher
            .first
            .filter(|first| variables.contains_key(*first));
        let first = first.map_or(Ok(0), |first| number(variables, first))?;
        let index = number(variables, launcher.index)?;
        Self::new(
            index.saturating_sub(first),
            number(variables, launcher.count)?,
        )
    }

    /// Whether the unit is this worker's.
    pub fn has(self, unit: u32) -> bool {
        unit % self.count == self.index
    }

    /// Whether this worker does what is done once.
    pub fn is_first(self) -> bool {
        self.index == 0
    }
}

fn number(variables: &BTreeMap<String, String>, name: &str) -> Result<u32> {
    let value = variables.get(name).map_or("", String::as_str);
    value.trim().parse().map_err(|_| {
        Error::Config(format!(
            "the variable {name} is {value:?}, not a number: set it, or give the worker's index and count"
        ))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn worker(variables: &[(&str, &str)]) -> Result<Worker> {
        let variables = variables.iter();
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Worker::from_environment(&variables.collect())
    }

    #[test]
    fn every_launcher_tells_which_worker_it_is() {
        let expected = Worker { index: 3, count: 7 };
        for variables in [
            &[
                ("SLURM_ARRAY_TASK_ID", "8"),
                ("SLURM_ARRAY_TASK_MIN", "5"),
                ("SLURM_ARRAY_TASK_COUNT", "7"),
            ][..],
            &[
                ("SLURM_ARRAY_TASK_ID", "3"),
                ("SLURM_ARRAY_TASK_COUNT", "7"),
                ("SLURM_PROCID", "0"),
                ("SLURM_NTASKS", "1"),
            ],
            &[("SLURM_PROCID", "3"), ("SLURM_NTASKS", "7")],
            &[("JOB_COMPLETION_INDEX", "3"), ("JOB_COMPLETIONS", "7")],
            &[("RANK", "3"), ("WORLD_SIZE", "7")],
        ] {
            assert_eq!(worker(variables).unwrap(), expected, "{variables:?}");
        }
        assert_eq!(worker(&[]).unwrap(), Worker::default());
    }

    #[test]
    fn a_missing_or_wrong_variable_is_named() {
        let error = worker(&[("RANK", "3")]).unwrap_err().to_string();
        assert!(error.contains("WORLD_SIZE"), "{error}");
        let error = worker(&[("RANK", "7"), ("WORLD_SIZE", "7")])
            .unwrap_err()
            .to_string();
        assert!(error.contains("no worker 7 of 7"), "{error}");
    }

    #[test]
    fn each_unit_has_one_worker() {
        for unit in 0..20 {
            let workers = (0..3).filter(|index| {
                Worker {
                    index: *index,
                    count: 3,
                }
                .has(unit)
            });
            assert_eq!(workers.count(), 1);
        }
    }
}
