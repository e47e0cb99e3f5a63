//! How far a build is, as one line that is drawn anew.

use std::time::Duration;

use flamingo::corpus::build::Stage;
use flamingo::corpus::progress::{Progress, Status};
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar};

use crate::output;

/// A line on a terminal, nothing elsewhere.
pub(super) struct Shown(ProgressBar);

impl Shown {
    pub(super) fn new() -> Self {
        Self(output::spinner())
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Shown {
    fn update(&self, status: &Status) {
        self.0.set_message(line(status));
    }

    fn waiting(&self, stage: Stage) {
        self.0
            .set_message(format!("{}: waiting for other workers", stage.name()));
    }
}

fn line(status: &Status) -> String {
    let mut line = format!(
        "{}: unit {} of {}, {} pages, {:.0} pages/s, {}/s",
        status.stage.name(),
        status.units_done,
        status.units,
        HumanCount(status.pages),
        status.pages_per_second(),
        HumanBytes(status.bytes_per_second() as u64),
    );
    if let Some(left) = status.time_left() {
        // Whole seconds, so that the line does not flicker.
        let left = Duration::from_secs(left.as_secs());
        line += &format!(", {} left", HumanDuration(left));
    }
    line
}
