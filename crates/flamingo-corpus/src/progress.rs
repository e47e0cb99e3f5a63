//! How far a build is and how fast it goes, told to whoever shows it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::stage::Stage;

/// Is told how far a build is; it decides what is shown.
pub trait Progress: Sync {
    /// After each batch of pages.
    fn update(&self, status: &Status) {
        let _ = status;
    }

    /// Now and then while units of a stage are waited for that other workers do.
    fn waiting(&self, stage: Stage) {
        let _ = stage;
    }
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {}

/// How far a worker is within a stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Status {
    /// The stage.
    pub stage: Stage,
    /// Units done since it began.
    pub units_done: u64,
    /// Units to do when it began.
    pub units: u64,
    /// Bytes of inputs read.
    pub bytes_read: u64,
    /// Bytes of all inputs, where that is known.
    pub bytes: Option<u64>,
    /// Pages read or written.
    pub pages: u64,
    /// How long it takes so far.
    pub elapsed: Duration,
}

impl Status {
    /// Pages a second.
    pub fn pages_per_second(&self) -> f64 {
        rate(self.pages, self.elapsed)
    }

    /// Bytes of inputs a second.
    pub fn bytes_per_second(&self) -> f64 {
        rate(self.bytes_read, self.elapsed)
    }

    /// How long the stage will still take at this rate.
    pub fn time_left(&self) -> Option<Duration> {
        let share = match self.bytes {
            Some(bytes) if bytes > 0 => self.bytes_read as f64 / bytes as f64,
            _ => self.units_done as f64 / self.units.max(1) as f64,
        };
        let share = share.min(1.0);
        (share > 0.0).then(|| self.elapsed.mul_f64((1.0 - share) / share))
    }
}

fn rate(number: u64, elapsed: Duration) -> f64 {
    number as f64 / elapsed.as_secs_f64().max(1e-3)
}

/// Counts what is done and tells it.
pub(crate) struct Meter<'a> {
    progress: &'a dyn Progress,
    stage: Stage,
    start: Instant,
    units: u64,
    bytes: Option<u64>,
    units_done: AtomicU64,
    bytes_read: AtomicU64,
    pages: AtomicU64,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(
        progress: &'a dyn Progress,
        stage: Stage,
        units: usize,
        bytes: Option<u64>,
    ) -> Self {
        Self {
            progress,
            stage,
            start: Instant::now(),
            units: units as u64,
            bytes,
            units_done: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
            pages: AtomicU64::new(0),
        }
    }

    /// A unit is done.
    pub(crate) fn unit(&self) {
        self.units_done.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    /// So many pages are done, and so many bytes of inputs.
    pub(crate) fn add(&self, pages: u64, bytes: u64) {
        self.pages.fetch_add(pages, Ordering::Relaxed);
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    fn tell(&self) {
        self.progress.update(&Status {
            stage: self.stage,
            units_done: self.units_done.load(Ordering::Relaxed),
            units: self.units,
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
            bytes: self.bytes,
            pages: self.pages.load(Ordering::Relaxed),
            elapsed: self.start.elapsed(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_bytes_where_they_are_known_and_units_elsewhere() {
        let status = Status {
            stage: Stage::Read,
            units_done: 1,
            units: 2,
            bytes_read: 250,
            bytes: Some(1000),
            pages: 50,
            elapsed: Duration::from_secs(10),
        };
        assert_eq!(status.time_left(), Some(Duration::from_secs(30)));
        let units = Status {
            bytes: None,
            ..status
        };
        assert_eq!(units.time_left(), Some(Duration::from_secs(10)));
        let nothing = Status {
            units_done: 0,
            ..units
        };
        assert_eq!(nothing.time_left(), None);
        assert!((status.pages_per_second() - 5.0).abs() < 1e-9);
    }
}
