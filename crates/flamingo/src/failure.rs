//! What a verb fails with.

use std::error::Error;
use std::io::{self, Write};

use flamingo_files::{ReaderGone, is_disk_full};

/// Something that the user can do something about.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) kind: Kind,
}

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The user's or the data's fault.
    Fault,
    /// There was no room left to write.
    DiskFull,
    /// The reader of our output has gone: nothing to tell anyone.
    Quiet,
    /// The user has stopped it.
    Stopped,
}

/// What a verb gives.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure with its message.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            kind: Kind::Fault,
        }
    }

    /// The reader of our output has gone.
    pub(crate) fn quiet() -> Self {
        Self {
            kind: Kind::Quiet,
            ..Self::new("")
        }
    }

    /// The user has stopped the work; the message says what stands and how to go on.
    pub(crate) fn stopped(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Stopped,
            ..Self::new(message)
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// Any library's error is the user's or the data's fault; that nobody reads our output any more is nobody's.
impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut failure = Failure::new(error.to_string());
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        // Some libraries keep only the words of what the system said.
        if failure.message.contains("No space left on device") {
            failure.kind = Kind::DiskFull;
        }
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<io::Error>() {
                if io.get_ref().is_some_and(|inner| inner.is::<ReaderGone>()) {
                    failure.kind = Kind::Quiet;
                } else if is_disk_full(io) {
                    failure.kind = Kind::DiskFull;
                }
            }
            cause = error.source();
        }
        failure
    }
}

/// Adds the next step to an error.
pub(crate) trait Hint<T> {
    /// The error with a `hint:` line.
    fn hint(self, hint: impl Into<String>) -> Result<T>;

    /// The error with a `hint:` line, if there was no room to write.
    fn hint_if_full(self, hint: &str) -> Result<T>;
}

impl<T, E: Into<Failure>> Hint<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> Result<T> {
        self.map_err(|error| Failure {
            hint: Some(hint.into()),
            ..error.into()
        })
    }

    fn hint_if_full(self, hint: &str) -> Result<T> {
        self.map_err(|error| {
            let mut failure: Failure = error.into();
            if failure.kind == Kind::DiskFull {
                failure.hint = Some(hint.to_owned());
            }
            failure
        })
    }
}

/// Writes to stderr.
pub(crate) fn say(text: &str) {
    // If stderr is gone, there is nowhere left to say so.
    let _ = io::stderr().write_all(text.as_bytes());
}
