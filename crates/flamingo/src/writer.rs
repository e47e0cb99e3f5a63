//! Who writes: the lock of a folder, and outputs that may be standard output.

use std::path::Path;

use flamingo::corpus::worker::Worker;
use flamingo_files::{Draft, FolderLock, Target};

use crate::failure::{Failure, Hint, Result, say};
use crate::{output, standard_output};

/// Holds a folder that this process alone writes.
pub(crate) fn alone(folder: &Path) -> Result<FolderLock> {
    FolderLock::alone(folder, &command())
        .hint_if_full("make room, then give the same command again")
}

/// Holds a worker's part of a folder.
pub(crate) fn worker(folder: &Path, worker: Worker) -> Result<FolderLock> {
    if worker.count == 1 {
        return alone(folder);
    }
    let lock = FolderLock::worker(folder, worker.index, worker.count, &command());
    lock.hint("the workers of one job share its folder: each has an own --worker, and all the same --workers")
}

/// The command line, for those who want the folder meanwhile.
pub(crate) fn command() -> String {
    let words = std::env::args_os().map(|word| {
        let word = word.to_string_lossy().into_owned();
        match word.is_empty() || word.contains(char::is_whitespace) {
            true => format!("'{word}'"),
            false => word,
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// An output that a flag names.
pub(crate) struct Output<'a> {
    path: &'a Path,
    target: Target,
}

impl<'a> Output<'a> {
    /// Looks at what the flag names; its folder is made if it is not there.
    pub(crate) fn of(path: &'a Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                Failure::new(format!("cannot create {}: {error}", folder.display()))
            })?;
        }
        let target = Target::of(path)?;
        if target.is_stdout() && standard_output::is_closed() {
            return Err(output::closed());
        }
        Ok(Self { path, target })
    }

    /// Makes sure that it is none of the files that are read: they would be lost.
    pub(crate) fn unless_one_of(
        self,
        inputs: impl IntoIterator<Item: AsRef<Path>>,
    ) -> Result<Self> {
        let Target::File(place) = &self.target else {
            return Ok(self);
        };
        let is_it = |input: &Path| input.canonicalize().is_ok_and(|input| input == *place);
        match inputs.into_iter().any(|input| is_it(input.as_ref())) {
            true => Err(Failure::new(format!(
                "{} is one of the inputs, which would be lost: give --output another file",
                self.path.display()
            ))),
            false => Ok(self),
        }
    }

    /// Makes sure that it replaces no file of a folder that is read, such as a picture of a page.
    pub(crate) fn unless_file_in(self, inputs: &[String]) -> Result<Self> {
        let Target::File(place) = &self.target else {
            return Ok(self);
        };
        let holds = |input: &&String| {
            let folder = Path::new(input).canonicalize();
            folder.is_ok_and(|folder| folder.is_dir() && place.starts_with(folder))
        };
        match inputs.iter().find(holds).filter(|_| place.exists()) {
            Some(input) => Err(Failure::new(format!(
                "{} is a file of the input {input}, which would be lost: remove it, or give --output another file",
                self.path.display()
            ))),
            None => Ok(self),
        }
    }

    /// Begins it.
    pub(crate) fn begin(&self) -> Result<Draft> {
        Ok(Draft::create(self.path)?)
    }

    /// Whether it is written whole or not at all.
    pub(crate) fn is_file(&self) -> bool {
        self.target.is_file()
    }

    /// Whether it is standard output.
    pub(crate) fn is_stdout(&self) -> bool {
        self.target.is_stdout()
    }

    /// A line about the work: to stdout, or to stderr where stdout is the output itself.
    pub(crate) fn tell(&self, text: &str) -> Result<()> {
        match self.target.is_stdout() {
            true => {
                say(&format!("{text}\n"));
                Ok(())
            }
            false => output::line(text),
        }
    }

    /// As [`Output::tell`], an indented JSON value.
    pub(crate) fn tell_json(&self, value: &impl serde::Serialize) -> Result<()> {
        self.tell(&serde_json::to_string_pretty(value)?)
    }

    /// What Ctrl-C leaves of it.
    pub(crate) fn stands(&self) -> String {
        match self.is_file() {
            true => format!("nothing was written to {}", self.path.display()),
            false => "what was written may be cut".to_owned(),
        }
    }
}
