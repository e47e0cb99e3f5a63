//! Which part of the work a process does, and how it learns that from the launcher that started it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::launcher::Launched;

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
    /// number of completions the job must repeat in `JOB_COMPLETIONS`), torchrun, `mpirun`. The only one where none is set.
    ///
    /// An array's tasks must be numbered without gaps.
    ///
    /// # Errors
    ///
    /// When a variable is no number, one of a pair is missing, or there is no such worker.
    pub fn from_environment(variables: &BTreeMap<String, String>) -> Result<Self> {
        match Launched::part(variables)? {
            Some(Launched { index, count, .. }) => Self::new(index, count),
            None => Ok(Self::default()),
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_launcher_tells_which_worker_it_is_if_there_is_such_a_one() {
        let worker = |index: &str| {
            let variables = [("RANK", index), ("WORLD_SIZE", "7")];
            let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
            Worker::from_environment(&variables.into())
        };
        assert_eq!(worker("3").unwrap(), Worker { index: 3, count: 7 });
        let told = worker("7").unwrap_err().to_string();
        assert!(told.contains("no worker 7 of 7"), "{told}");
        let none = Worker::from_environment(&BTreeMap::new());
        assert_eq!(none.unwrap(), Worker::default());
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
