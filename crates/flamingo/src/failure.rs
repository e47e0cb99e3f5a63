//! How the program ends when something is wrong: 1 for the user's or the data's fault, 2 for ours.

use std::error::Error;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;

/// Something that the user can do something about.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    /// The reader of our output has gone: nothing to tell anyone.
    quiet: bool,
}

/// What a verb gives.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure with its message.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            quiet: false,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// Any library's error is the user's or the data's fault; a broken pipe is nobody's.
impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut failure = Failure::new(error.to_string());
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            let io = error.downcast_ref::<io::Error>();
            failure.quiet |= io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe);
            cause = error.source();
        }
        failure
    }
}

/// Adds the next step to an error.
pub(crate) trait Hint<T> {
    /// The error with a `hint:` line.
    fn hint(self, hint: impl Into<String>) -> Result<T>;
}

impl<T, E: Into<Failure>> Hint<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> Result<T> {
        self.map_err(|error| Failure {
            hint: Some(hint.into()),
            ..error.into()
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
    match catch_unwind(AssertUnwindSafe(verb)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => failed(&failure),
        Err(_) => panicked(),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    if failure.quiet {
        return ExitCode::SUCCESS;
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
    // A closed stdout must not make `flamingo --help | head` fail.
    let _ = error.print();
    ExitCode::from(u8::from(error.use_stderr()))
}

fn say(text: &str) {
    // If stderr is gone, there is nowhere left to say so.
    let _ = io::stderr().write_all(text.as_bytes());
}
