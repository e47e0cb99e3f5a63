//! A few tries with a pause that grows.

use std::thread;
use std::time::Duration;

use super::failure::Failure;

/// Tries in a row that bring nothing new.
const TRIES: u32 = 4;

/// The first pause; each later one is three times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(150);

/// Counts the tries in a row that failed.
#[derive(Default)]
pub(crate) struct Tries {
    failed: u32,
}

impl Tries {
    /// The last try brought something: count from the start.
    pub(crate) fn reset(&mut self) {
        self.failed = 0;
    }

    /// Pauses before the next try, or gives the failure back if it is lasting or was the last one.
    pub(crate) fn pause(&mut self, failure: Failure) -> Result<(), Failure> {
        self.failed += 1;
        if !failure.may_pass() || self.failed >= TRIES {
            return Err(failure);
        }
        thread::sleep(FIRST_PAUSE * 3_u32.pow(self.failed - 1));
        Ok(())
    }
}

/// Asks until there is an answer, a lasting failure or no try left.
pub(crate) fn retrying<T>(mut ask: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut tries = Tries::default();
    loop {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(failure) => tries.pause(failure)?,
        }
    }
}
