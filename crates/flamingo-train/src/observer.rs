//! Who hears of a run's progress.

use std::path::Path;
use std::time::Duration;

use crate::Line;

/// Hears of a run's progress.
pub trait Observer: Send {
    /// Preparation: `done` of `total`.
    fn stage(&mut self, _what: &str, _done: usize, _total: usize) {}
    /// A step was made.
    fn step(&mut self, _event: &StepEvent) {}
    /// The samples of each source were split: so many are trained on, so many held out.
    fn split(&mut self, _source: &str, _trained: usize, _held_out: usize) {}
    /// The held-out samples were looked at; whether they were never better.
    fn look(&mut self, _line: &Line, _best: bool) {}
    /// The state was saved.
    fn checkpoint(&mut self, _step: u64, _path: &Path) {}
    /// A checkpoint is damaged: it now lies at `_aside`, and the run goes on from `_used`.
    fn damaged(&mut self, _aside: &Path, _problem: &str, _used: &Path) {}
}

/// An observer that does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}

/// One step of a run.
#[derive(Clone, Debug)]
pub struct StepEvent {
    /// Updates so far.
    pub step: u64,
    /// Updates in all.
    pub steps: u64,
    /// Loss of each source used in this step.
    pub losses: Vec<(String, f32)>,
    /// Learning rate.
    pub rate: f64,
    /// Norm of all gradients before clipping.
    pub norm: f32,
    /// Targets (tokens predicted, pictures told apart) a second in this step.
    pub targets_per_second: f64,
    /// Time left at the present speed.
    pub left: Duration,
}
