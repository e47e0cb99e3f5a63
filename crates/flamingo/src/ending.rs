//! How the program ends: 0 if all is well, 1 for the user's or the data's fault, 2 for ours, 130 for Ctrl-C.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;

use crate::failure::{Failure, Kind, Result, say};
use crate::{interrupt, output, standard_output};

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
