//! Waiting for other workers, whose reports appear in the folder that all share.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::Stage;
use crate::error::{Error, Result};

/// How often the folder is looked at.
const INTERVAL: Duration = Duration::from_secs(2);
/// How many missing units a message names.
const NAMED: usize = 8;

/// Returns when all units are done, or with their names when they are not in time.
pub(super) fn wait(
    stage: Stage,
    units: Range<u32>,
    done: impl Fn(u32) -> bool,
    patience: Duration,
    waiting: impl Fn(),
) -> Result<()> {
    let start = Instant::now();
    let mut missing: Vec<u32> = units.collect();
    loop {
        missing.retain(|unit| !done(*unit));
        if missing.is_empty() {
            return Ok(());
        }
        if start.elapsed() >= patience {
            return Err(Error::Waited {
                stage: stage.name(),
                units: names(stage, &missing),
                seconds: patience.as_secs(),
            });
        }
        waiting();
        std::thread::sleep(INTERVAL.min(patience));
    }
}

fn names(stage: Stage, missing: &[u32]) -> String {
    if stage == Stage::Join {
        return "the first worker".to_owned();
    }
    let named: Vec<String> = missing
        .iter()
        .take(NAMED)
        .map(|unit| format!("{unit:05}"))
        .collect();
    let more = missing.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("units {}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn missing_units_are_named_when_patience_ends() {
        let done = |unit: u32| unit.is_multiple_of(2);
        let error = wait(Stage::Read, 0..5, done, Duration::ZERO, || ()).unwrap_err();
        assert!(error.to_string().contains("units 00001, 00003:"), "{error}");
    }

    #[test]
    fn what_is_done_is_not_waited_for() {
        wait(
            Stage::Write,
            0..5,
            |_| true,
            Duration::ZERO,
            || unreachable!(),
        )
        .unwrap();
    }
}
