//! Results on stdout, progress on a terminal's stderr.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::standard_output;

/// One JSON value on one line.
pub(crate) fn json_line(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string(value)?)
}

/// An indented JSON value.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Text and a line break.
pub(crate) fn line(text: &str) -> Result<()> {
    piece(&format!("{text}\n"))
}

/// A piece of text, shown at once.
pub(crate) fn piece(text: &str) -> Result<()> {
    if standard_output::is_closed() {
        return Err(closed());
    }
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| unwritten(&error))
}

/// That standard output is closed.
pub(crate) fn closed() -> Failure {
    Failure::new("cannot write to standard output: it is closed")
}

/// That standard output cannot be written.
pub(crate) fn unwritten(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::quiet(),
        _ => Failure::new(format!("cannot write to standard output: {error}")),
    }
}

/// A bar of `length` steps on stderr; hidden where stderr is no terminal.
pub(crate) fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("━╸─"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A line on stderr that is drawn anew; hidden where stderr is no terminal.
pub(crate) fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
