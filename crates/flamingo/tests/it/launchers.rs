//! Processes that torchrun, SLURM or Kubernetes start, and that nothing joins: each would do the whole work.

use std::process::{Command, Output, Stdio};

use crate::Workplace;

fn launched(place: &Workplace, args: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flamingo"))
        .args(args)
        .envs(variables.iter().copied())
        .current_dir(place.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// A fine-tuning that would write into `run`.
const TRAIN: [&str; 7] = [
    "train",
    "--finetune",
    "demo",
    "--data",
    "pictures",
    "--out",
    "run",
];

#[test]
fn one_of_several_processes_that_nothing_joins_trains_nothing() {
    let place = Workplace::new();
    for [index, count] in [
        ["RANK", "WORLD_SIZE"],
        ["SLURM_PROCID", "SLURM_NTASKS"],
        ["JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"],
    ] {
        for at in ["0", "1"] {
            let variables = [(index, at), (count, "2")];
            let output = launched(&place, &TRAIN, &variables);
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(
                told.starts_with(&format!("error: {index} is {at} and {count} 2: ")),
                "{told}"
            );
            assert!(told.contains("mpirun or srun --mpi"), "{told}");
            assert!(!place.path().join("run").exists());
            let output = launched(&place, &["ablate", "no.toml"], &variables);
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(told.contains("is the work of one"), "{told}");
        }
    }
}

#[test]
fn a_process_that_is_alone_by_such_variables_or_a_job_of_its_own_is_left_alone() {
    let place = Workplace::new();
    for variables in [
        &[("RANK", "0"), ("WORLD_SIZE", "1")][..],
        &[("SLURM_PROCID", "0")],
        &[
            ("SLURM_ARRAY_TASK_ID", "1"),
            ("SLURM_ARRAY_TASK_COUNT", "2"),
        ],
    ] {
        let output = launched(&place, &["train", "no.toml"], variables);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("no.toml"), "{told}");
    }
}
