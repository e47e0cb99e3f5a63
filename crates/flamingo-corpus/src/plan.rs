//! The job files that run a build on many machines: a SLURM script, a Kubernetes job, a shell script.
//!
//! Workers learn which of how many they are from the variables that their launcher sets
//! ([`Worker::from_environment`](crate::worker::Worker::from_environment)), and meet in the folder, which all must see.

use std::path::PathBuf;

use crate::error::{Error, Result};

const SLURM: &str = include_str!("plan/slurm.sh");
const KUBERNETES: &str = include_str!("plan/kubernetes.yaml");
const LOCAL: &str = include_str!("plan/local.sh");

/// What runs the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Launcher {
    /// Job arrays of SLURM, a stage after the other.
    Slurm,
    /// An indexed job of Kubernetes.
    Kubernetes,
    /// Processes on this machine.
    Local,
}

/// A build on many machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What runs the workers.
    pub launcher: Launcher,
    /// How many workers there are.
    pub workers: u32,
    /// Processors of each.
    pub cpus: u32,
    /// Gibibytes of memory of each.
    pub memory_gib: u32,
    /// Hours after which SLURM ends a job.
    pub hours: u32,
    /// The program.
    pub program: String,
    /// The configuration's file, as workers see it.
    pub config: PathBuf,
    /// The corpus folder, as workers see it.
    pub output: PathBuf,
    /// The container image of Kubernetes.
    pub image: String,
    /// The volume claim of Kubernetes that holds the corpus folder, and where it is mounted.
    pub volume: (String, PathBuf),
}

impl Plan {
    /// A plan with a program of the usual name, and machines of the usual size.
    pub fn new(launcher: Launcher, workers: u32, config: PathBuf, output: PathBuf) -> Self {
        Self {
            launcher,
            workers,
            cpus: 8,
            memory_gib: 16,
            hours: 24,
            program: "flamingo".to_owned(),
            config,
            output,
            image: "flamingo:latest".to_owned(),
            volume: ("corpus".to_owned(), PathBuf::from("/corpus")),
        }
    }

    /// The job file.
    ///
    /// # Errors
    ///
    /// When there are no workers, or a path has characters that no job file can hold.
    pub fn render(&self) -> Result<String> {
        if self.workers == 0 || self.cpus == 0 {
            let message = "a plan needs at least one worker of at least one processor";
            return Err(Error::Config(message.to_owned()));
        }
        let texts = [&self.program, &self.image, &self.volume.0];
        let paths = [&self.config, &self.output, &self.volume.1];
        let paths = paths.map(|path| path.display().to_string());
        let mut all = texts.into_iter().chain(&paths);
        if let Some(text) = all.find(|text| text.chars().any(char::is_control)) {
            let message = format!("{text:?} cannot stand in a job file: rename it");
            return Err(Error::Config(message));
        }
        Ok(match self.launcher {
            Launcher::Slurm => self.slurm(),
            Launcher::Kubernetes => self.kubernetes(),
            Launcher::Local => self.local(),
        })
    }

    fn slurm(&self) -> String {
        let wrapped = |stage: &str| shell(&format!("{} --stage {stage}", self.command()));
        fill(
            SLURM,
            &[
                ("LAST", (self.workers - 1).to_string()),
                ("CPUS", self.cpus.to_string()),
                ("MEMORY", self.memory_gib.to_string()),
                ("HOURS", self.hours.to_string()),
                ("READ", wrapped("read")),
                ("JOIN", wrapped("join")),
                ("WRITE", wrapped("write")),
                ("FINISH", wrapped("finish")),
            ],
        )
    }

    fn kubernetes(&self) -> String {
        let path = |path: &PathBuf| yaml(&path.display().to_string());
        fill(
            KUBERNETES,
            &[
                ("WORKERS", self.workers.to_string()),
                ("CPUS", self.cpus.to_string()),
                ("MEMORY", self.memory_gib.to_string()),
                ("IMAGE", yaml(&self.image)),
                ("PROGRAM", yaml(&self.program)),
                ("CONFIG", path(&self.config)),
                ("OUTPUT", path(&self.output)),
                ("CLAIM", yaml(&self.volume.0)),
                ("MOUNT", path(&self.volume.1)),
            ],
        )
    }

    fn local(&self) -> String {
        fill(
            LOCAL,
            &[
                ("WORKERS", self.workers.to_string()),
                ("COMMAND", self.command()),
            ],
        )
    }

    fn command(&self) -> String {
        format!(
            "{} corpus build --config {} --output {}",
            shell(&self.program),
            shell(&self.config.display().to_string()),
            shell(&self.output.display().to_string())
        )
    }
}

/// Puts values in the places of a template that are named `@NAME@`, in one pass: a value may look like a place.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('@') {
        filled += before;
        let place = after.split_once('@');
        let value = place.and_then(|(name, after)| {
            let value = values.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (value, after))
        });
        match value {
            Some((value, after)) => {
                filled += value;
                rest = after;
            }
            None => {
                filled.push('@');
                rest = after;
            }
        }
    }
    filled + rest
}

/// A word of a shell's command line.
fn shell(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "/._-+:=".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A string of YAML.
fn yaml(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::process::Command;

    use super::*;

    fn plan(launcher: Launcher) -> Plan {
        let config = PathBuf::from("/data/corpus.toml");
        Plan::new(
            launcher,
            5,
            config,
            PathBuf::from("/data/it's a @WORKERS@ corpus"),
        )
    }

    #[test]
    fn job_files_read_as_a_person_would_write_them() {
        for (name, launcher) in [
            ("slurm", Launcher::Slurm),
            ("kubernetes", Launcher::Kubernetes),
            ("local", Launcher::Local),
        ] {
            insta::assert_snapshot!(name, plan(launcher).render().unwrap());
        }
    }

    /// Runs a job file with functions in place of the programs that it calls; they write their arguments.
    fn run(script: &str) -> String {
        let tell = r#"printf '%s|' "$@" >&2; echo >&2; echo 7"#;
        let script = format!("sbatch() {{ {tell}; }}\nflamingo() {{ {tell}; }}\n{script}");
        let output = Command::new("bash").arg("-c").arg(script).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }

    #[test]
    fn slurm_runs_a_stage_after_the_other_and_paths_stay_whole() {
        let told = run(&plan(Launcher::Slurm).render().unwrap());
        let jobs: Vec<&str> = told.lines().collect();
        assert_eq!(jobs.len(), 4, "{told}");
        for (job, stage) in jobs.iter().zip(["read", "join", "write", "finish"]) {
            let command = job.split('|').find_map(|word| word.strip_prefix("--wrap="));
            let command = format!(
                "flamingo() {{ printf '%s|' \"$@\"; }}; {}",
                command.unwrap()
            );
            let output = Command::new("bash")
                .arg("-c")
                .arg(command)
                .output()
                .unwrap();
            assert_eq!(
                String::from_utf8(output.stdout).unwrap(),
                format!(
                    "corpus|build|--config|/data/corpus.toml|--output|/data/it's a @WORKERS@ corpus|--stage|{stage}|"
                )
            );
            assert_eq!(job.contains("--dependency=afterok:7"), stage != "read");
            assert_eq!(
                job.contains("--array=0-4"),
                matches!(stage, "read" | "write")
            );
        }
    }

    #[test]
    fn a_local_plan_starts_every_worker() {
        let told = run(&plan(Launcher::Local).render().unwrap());
        assert_eq!(told.matches("build|").count(), 5, "{told}");
    }

    #[test]
    fn what_no_job_file_can_hold_is_refused() {
        let mut plan = plan(Launcher::Local);
        plan.output = PathBuf::from("a\nb");
        assert!(plan.render().unwrap_err().to_string().contains(r#""a\nb""#));
        plan.workers = 0;
        assert!(plan.render().is_err());
    }
}
