//! The processes that carry out one run together.
//!
//! Each works on its share of the rows of every batch; gradients are summed over all of them, so that all make the
//! same update. The first process writes.

use std::fmt::Debug;
use std::ops::Range;

/// The processes of a run, as one of them sees them. All call the same of its functions in the same order.
pub trait Together: Debug + Send + Sync {
    /// Which one this is, from 0.
    fn rank(&self) -> usize;
    /// How many there are.
    fn world(&self) -> usize;
    /// Puts the sum over all processes in place of each value.
    fn sum(&self, values: &mut [f32]);
    /// Waits until all are here.
    fn barrier(&self);
}

/// A run of one process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Together for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn world(&self) -> usize {
        1
    }

    fn sum(&self, _values: &mut [f32]) {}

    fn barrier(&self) {}
}

/// Whether this process is the one that writes.
pub(crate) fn is_first(together: &dyn Together) -> bool {
    together.rank() == 0
}

/// The rows of a batch of `rows` that this process works on.
pub(crate) fn own_rows(together: &dyn Together, rows: usize) -> Range<u64> {
    let (rank, world) = (together.rank(), together.world());
    let at = |rank: usize| (rank * rows / world) as u64;
    at(rank)..at(rank + 1)
}

/// [`own_rows`] as places in memory.
pub(crate) fn own_part(together: &dyn Together, rows: usize) -> Range<usize> {
    let Range { start, end } = own_rows(together, rows);
    start as usize..end as usize
}

/// The `count` values of all processes side by side, of which `own` begin at `start`.
pub(crate) fn gather(
    together: &dyn Together,
    own: Vec<f32>,
    start: usize,
    count: usize,
) -> Vec<f32> {
    if together.world() == 1 {
        return own;
    }
    // What others have is 0 here, and adds nothing there.
    let mut all = vec![0.0; count];
    all[start..start + own.len()].copy_from_slice(&own);
    together.sum(&mut all);
    all
}

/// The sum of counts, each below 2^24, over all processes.
pub(crate) fn sum_of(together: &dyn Together, count: usize) -> usize {
    let mut sum = [count as f32];
    together.sum(&mut sum);
    sum[0] as usize
}
