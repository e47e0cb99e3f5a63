//! How long the steps of a build took; of no account for what is built, so in a file of its own.

use std::ops::AddAssign;

use cpu_time::ThreadTime;
use serde::{Deserialize, Serialize};

/// Seconds of processor time by step, over all threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Times {
    /// Records found, decompressed and taken apart.
    pub records: f64,
    /// Pages parsed and their content found.
    pub extraction: f64,
    /// Texts measured.
    pub measures: f64,
    /// Keys, hashes and signatures made.
    pub signatures: f64,
    /// Images decoded and measured.
    pub images: f64,
    /// Rules and filters asked.
    pub filters: f64,
    /// Images read again, and written anew where that is asked for.
    pub pictures: f64,
    /// Tables and shards written.
    pub writing: f64,
}

impl Times {
    /// The steps by name.
    pub fn steps(&self) -> [(&'static str, f64); 8] {
        [
            ("records", self.records),
            ("extraction", self.extraction),
            ("measures", self.measures),
            ("signatures", self.signatures),
            ("images", self.images),
            ("filters", self.filters),
            ("pictures", self.pictures),
            ("writing", self.writing),
        ]
    }

    /// All steps together.
    pub fn total(&self) -> f64 {
        self.steps().iter().map(|(_, seconds)| seconds).sum()
    }
}

impl AddAssign for Times {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.extraction += other.extraction;
        self.measures += other.measures;
        self.signatures += other.signatures;
        self.images += other.images;
        self.filters += other.filters;
        self.pictures += other.pictures;
        self.writing += other.writing;
    }
}

/// Does something and adds the processor time it took to a step's.
pub(super) fn timed<T>(seconds: &mut f64, work: impl FnOnce() -> T) -> T {
    let start = ThreadTime::now();
    let done = work();
    *seconds += start.elapsed().as_secs_f64();
    done
}
