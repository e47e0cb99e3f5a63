//! How the program ends when something is wrong: 1 for the user's or the data's fault, 2 for ours.

use std::error::Error;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;

use flamingo_files::{ReaderGone, is_disk_full};

use crate::{interrupt, output, standard_output};

/// Something that the user can do something about.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    kind: Kind,
}

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
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

/// What the last panic said: decoders of pictures may panic and be caught, so it is told only if it
/// comes to the top.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Runs a verb and turns its end into an exit code.
pub(crate) fn guarded(verb: impl FnOnce() -> Result<()>) -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        let trace = std::backtrace::Backtrace::capture();
        if let Ok(mut last) = LAST_PANIC.lock() {
            *last = format!("{info}\n{trace}");
        }
    }));
    let ended = catch_unwind(AssertUnwindSafe(verb));
    interrupt::wait_if_ending();
    match ended {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => failed(&failure),
        Err(_) => panicked(),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    match failure.kind {
        Kind::Quiet => return ExitCode::SUCCESS,
        Kind::Stopped => {
            say(&interrupt::stopped(&failure.message));
            return ExitCode::from(interrupt::EXIT_CODE);
        }
        Kind::Fault | Kind::DiskFull => {}
    }
    let mut text = format!("error: {}\n", failure.message);
    if let Some(hint) = &failure.hint {
        text += &format!("hint: {hint}\n");
    }
    say(&text);
    ExitCode::from(1)
}

fn panicked() -> ExitCode {
    let what = LAST_PANIC
        .lock()
        .map(|last| last.clone())
        .unwrap_or_default();
    say(&format!(
        "error: this is a bug in flamingo {}: {what}\n\
         hint: please report it with the command that you ran: {}/issues\n",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_REPOSITORY"),
    ));
    ExitCode::from(2)
}

/// Wrong usage is the user's fault, too; help and version are no errors.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        // If stderr is gone, there is nowhere left to say so.
        let _ = error.print();
        return ExitCode::from(1);
    }
    let printed = match standard_output::is_closed() {
        true => Err(output::closed()),
        false => error.print().map_err(|error| output::unwritten(&error)),
    };
    printed.map_or_else(|failure| failed(&failure), |()| ExitCode::SUCCESS)
}

/// Writes to stderr.
pub(crate) fn say(text: &str) {
    // If stderr is gone, there is nowhere left to say so.
    let _ = io::stderr().write_all(text.as_bytes());
}
