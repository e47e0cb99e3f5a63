//! The program under test: started, killed, and what it leaves on the disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;

use crate::command::{cargo, run, target_folder};

/// Which program is killed, and how often.
#[derive(Debug, Args)]
pub(super) struct Killing {
    /// How often
    #[arg(long, default_value_t = 20)]
    pub(super) kills: u32,
    /// Decides the moments
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// The program [default: built with the feature `corpus`]
    #[arg(long)]
    program: Option<PathBuf>,
}

/// A program in a folder of its own.
pub(super) struct Program {
    path: PathBuf,
    pub(super) folder: PathBuf,
}

impl Killing {
    /// The program, in an empty folder.
    pub(super) fn program(&self, name: &str) -> anyhow::Result<Program> {
        let path = match &self.program {
            Some(path) => path.clone(),
            None => {
                run(&mut cargo("build --package flamingo --features corpus"))?;
                target_folder().join("debug/flamingo")
            }
        };
        let folder = std::path::absolute(target_folder().join("faults").join(name))?;
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let path = fs::canonicalize(&path).with_context(|| format!("no {}", path.display()))?;
        Ok(Program { path, folder })
    }

    pub(super) fn moments(&self) -> Moments {
        Moments(self.seed)
    }
}

impl Program {
    /// Starts it; what it tells goes into `log`.
    pub(super) fn start(&self, args: &[&str]) -> anyhow::Result<Child> {
        let log = File::create(self.folder.join("log"))?;
        let mut command = Command::new(&self.path);
        command.args(args).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(log).spawn().context("cannot start it")
    }

    /// Waits for its end, which must be a good one.
    pub(super) fn finish(&self, mut child: Child) -> anyhow::Result<()> {
        let status = child.wait()?;
        let told = fs::read_to_string(self.folder.join("log"))?;
        ensure!(status.success(), "it ended with {status}: {told}");
        Ok(())
    }

    /// Runs it once in one go; how long it took.
    pub(super) fn whole(&self, args: &[&str]) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.finish(self.start(args)?)?;
        Ok(began.elapsed())
    }

    /// Waits for `when`, then kills it; `false` if it had ended well before.
    pub(super) fn kill(&self, mut child: Child, when: impl Fn() -> bool) -> anyhow::Result<bool> {
        while !when() {
            if child.try_wait()?.is_some() {
                self.finish(child)?;
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill()?;
        // It may have ended just before.
        Ok(!child.wait()?.success())
    }
}

/// Moments that look random and are the same for the same seed.
pub(super) struct Moments(u64);

impl Moments {
    /// One up to `most`.
    pub(super) fn next(&mut self, most: Duration) -> Duration {
        // The generator of Knuth's MMIX; its high bits are good.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        most.mul_f64((self.0 >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// The bytes of all files below a folder whose names are compared.
pub(super) fn files(
    folder: &Path,
    compared: impl Fn(&str) -> bool,
) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            let name = path.strip_prefix(folder)?.display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if compared(&name) {
                found.insert(name, fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

/// Fails with the first file that is not the same in both.
pub(super) fn same(
    whole: &BTreeMap<String, Vec<u8>>,
    killed: &BTreeMap<String, Vec<u8>>,
) -> anyhow::Result<()> {
    for name in whole.keys().chain(killed.keys()) {
        if whole.get(name) != killed.get(name) {
            bail!("{name} is not the same as without kills");
        }
    }
    ensure!(whole.len() > 3, "only {} files", whole.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn moments_are_spread_over_the_time_and_the_same_for_a_seed() {
        let draw = |seed| {
            let mut moments = Moments(seed);
            (0..1000)
                .map(|_| moments.next(Duration::from_secs(7)))
                .collect::<Vec<_>>()
        };
        let drawn = draw(3);
        assert_eq!(drawn, draw(3));
        assert_ne!(drawn, draw(4));
        let mean = drawn.iter().sum::<Duration>() / 1000;
        assert!((3.0..4.0).contains(&mean.as_secs_f64()), "{mean:?}");
        assert!(drawn.iter().all(|moment| *moment < Duration::from_secs(7)));
    }

    #[test]
    fn a_file_that_differs_or_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c", "d", "times.json"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let whole = files(folder.path(), |name| name != "times.json").unwrap();
        assert_eq!(whole.len(), 4);
        same(&whole, &whole).unwrap();
        let mut other = whole.clone();
        other.insert("c".into(), b"x".to_vec());
        assert!(
            same(&whole, &other)
                .unwrap_err()
                .to_string()
                .starts_with("c is not")
        );
        other = whole.clone();
        other.insert(".lock".into(), Vec::new());
        assert!(
            same(&whole, &other)
                .unwrap_err()
                .to_string()
                .starts_with(".lock")
        );
    }
}
