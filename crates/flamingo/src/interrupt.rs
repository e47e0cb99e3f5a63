//! Ctrl-C, a termination signal or a hangup: one line says what stands and how to go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::{Failure, Result, say};

/// What shells give a program that Ctrl-C ended.
pub(crate) const EXIT_CODE: u8 = 130;

static ENDING: AtomicBool = AtomicBool::new(false);

/// Lets Ctrl-C end the program with this line. What is in the making is removed; what is done stays.
pub(crate) fn ends_with(line: impl Into<String>) -> Result<()> {
    let line = line.into();
    listen(move || end(&line))
}

/// The flag that Ctrl-C sets, for work that ends by itself at the next good moment; a second Ctrl-C ends the program at
/// once, with this line.
pub(crate) fn flag(line: impl Into<String>) -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let (flag, line) = (Arc::clone(&stop), line.into());
    listen(move || {
        if flag.swap(true, Ordering::Relaxed) {
            end(&line);
        }
    })?;
    Ok(stop)
}

/// Does not return while Ctrl-C ends the program: the rest fails then, which is nothing to tell.
pub(crate) fn wait_if_ending() {
    while ENDING.load(Ordering::Relaxed) {
        std::thread::park();
    }
}

fn listen(handler: impl FnMut() + Send + 'static) -> Result<()> {
    ctrlc::set_handler(handler)
        .map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))
}

fn end(line: &str) {
    ENDING.store(true, Ordering::Relaxed);
    flamingo_files::discard_unfinished();
    say(&stopped(line));
    std::process::exit(i32::from(EXIT_CODE));
}

/// The line, below that of a progress bar and the terminal's `^C`.
pub(crate) fn stopped(line: &str) -> String {
    use std::io::IsTerminal;
    let below = if std::io::stderr().is_terminal() {
        "\n"
    } else {
        ""
    };
    format!("{below}stopped: {line}\n")
}
