//! What the variables of launchers tell a process: that it is one of several, and which.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::{Error, Result};

/// Launchers by their variables, the innermost first: an array's task may start several processes, but each task is a
/// job of its own; `mpirun` and torchrun are started within what SLURM starts, and leave its variables as they are.
const LAUNCHERS: [Launcher; 6] = [
    Launcher {
        index: "SLURM_ARRAY_TASK_ID",
        first: Some("SLURM_ARRAY_TASK_MIN"),
        counts: &["SLURM_ARRAY_TASK_COUNT"],
        starts: Starts::Jobs,
    },
    Launcher {
        index: "JOB_COMPLETION_INDEX",
        first: None,
        counts: &["JOB_COMPLETIONS"],
        starts: Starts::Processes,
    },
    Launcher {
        index: "OMPI_COMM_WORLD_RANK",
        first: None,
        counts: &["OMPI_COMM_WORLD_SIZE"],
        starts: Starts::Processes,
    },
    Launcher {
        index: "PMI_RANK",
        first: None,
        counts: &["PMI_SIZE"],
        starts: Starts::Processes,
    },
    Launcher {
        index: "RANK",
        first: None,
        counts: &["WORLD_SIZE"],
        starts: Starts::Processes,
    },
    Launcher {
        index: "SLURM_PROCID",
        first: None,
        counts: &["SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"],
        starts: Starts::ProcessesOrScript,
    },
];

/// Where the index is, what it counts from, and where the number of processes is: in the first of `counts` that is set.
struct Launcher {
    index: &'static str,
    first: Option<&'static str>,
    counts: &'static [&'static str],
    starts: Starts,
}

/// What a launcher starts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Starts {
    /// Jobs that need not know of each other.
    Jobs,
    /// Processes of one job.
    Processes,
    /// These, or once a batch script, which is process 0 and may have no number of processes.
    ProcessesOrScript,
}

impl Launcher {
    /// The variable that has the number of processes.
    fn count(&self, variables: &BTreeMap<String, String>) -> Option<&'static str> {
        let mut counts = self.counts.iter().copied();
        counts.find(|count| variables.contains_key(*count))
    }

    fn is_set(&self, variables: &BTreeMap<String, String>) -> bool {
        variables.contains_key(self.index)
    }

    /// Whether it started a batch script and nothing else.
    fn started_script(&self, variables: &BTreeMap<String, String>) -> bool {
        self.starts == Starts::ProcessesOrScript
            && self.count(variables).is_none()
            && variables.get(self.index).is_some_and(|index| index == "0")
    }

    fn told(&self, variables: &BTreeMap<String, String>) -> Result<Launched> {
        let count_name = self.count(variables).unwrap_or(self.counts[0]);
        let number = |name: &'static str| self.number(variables, name, count_name);
        let first = self.first.filter(|first| variables.contains_key(*first));
        let first = first.map_or(Ok(0), number)?;
        Ok(Launched {
            index: number(self.index)?.saturating_sub(first),
            count: number(count_name)?,
            names: [self.index, count_name],
        })
    }

    fn number(
        &self,
        variables: &BTreeMap<String, String>,
        name: &str,
        count_name: &str,
    ) -> Result<u32> {
        let value = variables.get(name).map_or("", String::as_str);
        value.trim().parse().map_err(|_| {
            Error::Config(format!(
                "the variable {name} is {value:?}, not a number: set {} and {count_name}, or neither",
                self.index
            ))
        })
    }
}

/// One of several processes, as a launcher's variables tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launched {
    /// Which one, from 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
    /// The variables that say so.
    pub names: [&'static str; 2],
}

impl Launched {
    /// Of the parts of a job, however they are started.
    ///
    /// # Errors
    ///
    /// When a variable is no number, or one of a pair is missing.
    pub fn part(variables: &BTreeMap<String, String>) -> Result<Option<Self>> {
        let launcher = LAUNCHERS
            .iter()
            .find(|launcher| launcher.is_set(variables) && !launcher.started_script(variables));
        launcher
            .map(|launcher| launcher.told(variables))
            .transpose()
    }

    /// Of processes that were started to work together. An array's tasks are not: each may be a job of its own. Nor is
    /// one that has an index alone.
    ///
    /// # Errors
    ///
    /// When a variable is no number.
    pub fn process(variables: &BTreeMap<String, String>) -> Result<Option<Self>> {
        let launcher = LAUNCHERS.iter().find(|launcher| {
            launcher.starts != Starts::Jobs
                && launcher.is_set(variables)
                && launcher.count(variables).is_some()
        });
        launcher
            .map(|launcher| launcher.told(variables))
            .transpose()
    }
}

/// `RANK is 3 and WORLD_SIZE 7`.
impl fmt::Display for Launched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [index, count] = self.names;
        write!(f, "{index} is {} and {count} {}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn set(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        let variables = variables.iter();
        variables
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn part(variables: &[(&str, &str)]) -> Option<(u32, u32)> {
        let told = Launched::part(&set(variables)).unwrap();
        told.map(|told| (told.index, told.count))
    }

    fn process(variables: &[(&str, &str)]) -> Option<(u32, u32)> {
        let told = Launched::process(&set(variables)).unwrap();
        told.map(|told| (told.index, told.count))
    }

    #[test]
    fn every_launcher_tells_which_of_how_many() {
        for (variables, at_once) in [
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "8"),
                    ("SLURM_ARRAY_TASK_MIN", "5"),
                    ("SLURM_ARRAY_TASK_COUNT", "7"),
                ][..],
                None,
            ),
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "3"),
                    ("SLURM_ARRAY_TASK_COUNT", "7"),
                    ("SLURM_PROCID", "0"),
                    ("SLURM_NTASKS", "1"),
                ],
                Some((0, 1)),
            ),
            (
                &[("SLURM_PROCID", "3"), ("SLURM_NTASKS", "7")],
                Some((3, 7)),
            ),
            (
                &[("JOB_COMPLETION_INDEX", "3"), ("JOB_COMPLETIONS", "7")],
                Some((3, 7)),
            ),
            (
                &[("OMPI_COMM_WORLD_RANK", "3"), ("OMPI_COMM_WORLD_SIZE", "7")],
                Some((3, 7)),
            ),
            (&[("PMI_RANK", "3"), ("PMI_SIZE", "7")], Some((3, 7))),
            (&[("RANK", "3"), ("WORLD_SIZE", "7")], Some((3, 7))),
        ] {
            assert_eq!(part(variables), Some((3, 7)), "{variables:?}");
            assert_eq!(process(variables), at_once, "{variables:?}");
        }
        assert_eq!((part(&[]), process(&[])), (None, None));
    }

    #[test]
    fn the_launcher_within_is_heard_before_the_one_around_it() {
        let around = ("SLURM_PROCID", "0");
        let many = ("SLURM_NTASKS", "4");
        for within in [
            [("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "2")],
            [("RANK", "1"), ("WORLD_SIZE", "2")],
        ] {
            let variables = [around, many, within[0], within[1]];
            assert_eq!(process(&variables), Some((1, 2)));
            assert_eq!(part(&variables), Some((1, 2)));
        }
    }

    #[test]
    fn a_step_of_a_larger_job_has_its_own_number_of_tasks() {
        let variables = [
            ("SLURM_PROCID", "1"),
            ("SLURM_NTASKS", "8"),
            ("SLURM_STEP_NUM_TASKS", "2"),
        ];
        assert_eq!(part(&variables), Some((1, 2)));
    }

    #[test]
    fn a_batch_script_without_a_number_of_tasks_is_alone() {
        let script = [("SLURM_PROCID", "0")];
        assert_eq!((part(&script), process(&script)), (None, None));
        let second = Launched::part(&set(&[("SLURM_PROCID", "1")])).unwrap_err();
        let second = second.to_string();
        assert!(second.contains("SLURM_STEP_NUM_TASKS is \"\""), "{second}");
    }

    #[test]
    fn a_missing_or_wrong_variable_is_named() {
        let told = Launched::part(&set(&[("RANK", "3")])).unwrap_err();
        assert!(told.to_string().contains("WORLD_SIZE is \"\""), "{told}");
        // A training does not need the number of parts: with an index alone it is a job of its own.
        assert_eq!(process(&[("RANK", "3")]), None);
        let wrong = [("RANK", "3"), ("WORLD_SIZE", "many")];
        let told = Launched::process(&set(&wrong)).unwrap_err().to_string();
        assert!(
            told.contains("WORLD_SIZE is \"many\"") && told.contains("set RANK and WORLD_SIZE"),
            "{told}"
        );
    }

    #[test]
    fn both_variables_are_told_with_their_values() {
        let variables = set(&[("RANK", "3"), ("WORLD_SIZE", "7")]);
        let told = Launched::process(&variables).unwrap().unwrap();
        assert_eq!(told.to_string(), "RANK is 3 and WORLD_SIZE 7");
    }
}
